import { defineShard } from './suite.ts';

defineShard(3, 4);
