/** Tensor arguments whose values decide the shape of the result, or how it is composed, so that vmap cannot run over them. */
export const DATA_DEPENDENT: Readonly<Record<string, readonly number[]>> = {
  repeatInterleave: [1],
  'nn.functional.ctcLoss': [1],
  'nn.functional.embeddingBag': [2],
};

/**
 * Functions of symmetric matrices: they read one triangle, and their derivative is that along symmetric directions. Their samples are symmetric, so
 * that differences of values along such directions mean something whatever the samples say.
 */
export const SYMMETRIC: ReadonlySet<string> = new Set([
  'cholesky',
  'linalg.cholesky',
  'linalg.choleskyEx',
  'linalg.eigh',
  'linalg.eigvalsh',
]);

/** Operators whose results lie in the memory of their input, and are meant not to be tracked as views of it. */
export const SHARING: ReadonlySet<string> = new Set(['detach', 'unsafeSplit']);

/** Results that carry no gradient although they could, as in PyTorch. */
export const WITHOUT_GRADIENT: Readonly<Record<string, readonly number[]>> = { 'linalg.lstsq': [2, 3] };

/** Checks that do not apply to an operator, with the reason. An entry is a decision about what the operator means, never a place for a defect. */
export const EXCEPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
