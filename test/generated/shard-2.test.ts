import { defineShard } from './suite.ts';

defineShard(1, 4);
