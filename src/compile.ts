/** The entry `nabla/compile`: functions and training steps that are recorded and replayed. */
import './index.ts';

export { type Compiled, compile } from './compile/compile.ts';
export type { Explanation, ProgramReport, SignatureReport } from './compile/explanation.ts';
