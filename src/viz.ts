/** The entry `nabla/viz`. It loads the main entry, which puts the library together. */
import './index.ts';

export * from './viz/index.ts';
