export { vectorNorm } from '../linalg/norm.ts';
