/** The entry `nabla/data`. It loads the main entry, which puts the library together. */
import './index.ts';

export * from './data/index.ts';
