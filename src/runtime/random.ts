/** Random numbers, equal to the bit to PyTorch's CPU generator: see `random/` for the parts. */
export { defaultGenerator, Generator } from './random/generator.ts';
export { fillRandint, fillRandom, type IntegerOptions, randperm } from './random/integers.ts';
export { temper } from './random/mersenne.ts';
export { type MultinomialOptions, multinomial } from './random/multinomial.ts';
export { drawNormal, fillNormal } from './random/normal.ts';
export { fillOrder } from './random/order.ts';
export { fillBinomial, fillPoisson, fillStandardGamma } from './random/rejection.ts';
export { type FloatArray, type HalfType, roundToHalf } from './random/rounding.ts';
export {
  fillBernoulli,
  fillCauchy,
  fillDropoutMask,
  fillExponential,
  fillGeometric,
  fillLogNormal,
  fillUniform,
  type HalfOption,
  keptScale,
  type NumberArray,
} from './random/uniform.ts';
