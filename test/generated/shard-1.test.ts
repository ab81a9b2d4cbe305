import { defineShard } from './suite.ts';

defineShard(0, 4);
