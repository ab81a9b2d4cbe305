/** Tensor arguments whose values decide the shape of the result, so that vmap cannot run over them. */
export const DATA_DEPENDENT: Readonly<Record<string, readonly number[]>> = { repeatInterleave: [1] };

/** Checks that do not apply to an operator, with the reason. An entry is a decision about what the operator means, never a place for a defect. */
export const EXCEPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
