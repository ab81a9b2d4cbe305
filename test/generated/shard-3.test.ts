import { defineShard } from './suite.ts';

defineShard(2, 4);
