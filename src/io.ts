/** The entry `nabla/io`. It loads the main entry, which puts the library together. */
import './index.ts';

export * from './io/index.ts';
