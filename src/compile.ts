/** The entry `nabla/compile`: functions and training steps that are recorded and replayed. */
import './index.ts';

export { type Compiled, type CompileOptions, compile } from './compile/compile.ts';
export { Explanation, type ProgramReport, type SignatureReport } from './compile/explanation.ts';
