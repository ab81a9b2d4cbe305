/** The entry `nabla/optim`. It loads the main entry, which puts the library together. */
import './index.ts';

export * from './optim/index.ts';
