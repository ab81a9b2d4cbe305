/** The entry `nabla/nn`. It loads the main entry, which puts the library together. */
import './index.ts';

export * from './nn/index.ts';
