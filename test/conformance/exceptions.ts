/**
 * The one table of what the general rule does not cover: operators of Python's syntax, in-place operators that PyTorch's suite calls under another
 * name, and samples whose arguments are ordered otherwise than the function's. Keys are names of the vectors' files.
 *
 * An entry speaks of PyTorch's call (its positional arguments, after decoding), before the signature is applied.
 */
import type { Handle, Library } from './library.ts';

export interface PlannedCall {
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
}

export interface Exception {
  /** PyTorch's name of what is called instead. */
  readonly op?: string;
  /** Rewrites the call. */
  readonly rewrite?: (call: PlannedCall, library: Library) => PlannedCall;
  /** Names of the positional arguments, where PyTorch's overload orders them otherwise than the signature. */
  readonly names?: readonly (string | undefined)[];
  /** Only so many of the results count. */
  readonly results?: number;
  /** Positional arguments that Python requires to be integers; a float there is said exactly, by a 0-d tensor. */
  readonly integers?: readonly number[];
  /**
   * PyTorch leaves open which of equal elements comes first: result `result` is positions along the dimension that argument `dim` names, compared by
   * the elements at them.
   */
  readonly positions?: { readonly result: number; readonly dim: number };
  /** Replaces the call altogether. */
  readonly invoke?: (call: PlannedCall, library: Library) => unknown;
}

/** `y + x` as x sees it: PyTorch's `x.__radd__(y)`. Only a tensor has such a method. */
function reflected(name: string): Exception {
  return {
    invoke({ args: [self, other] }, library) {
      // What is not a tensor has no methods at all; asking the tensor's own method shows whether the library refuses it with its own error.
      if (!library.isTensor(self)) return library.method(name)(self, other);
      return library.need(name)(other, self);
    },
  };
}

const swapped: Exception = { rewrite: ({ args: [first, second, ...rest], kwargs }) => ({ args: [second, first, ...rest], kwargs }) };

/** The samples give two factors; the operator gets their product. */
const ofProduct: Exception = {
  rewrite: ({ args: [a, b, ...rest], kwargs }, library) => {
    const product = library.need('matmul')(a, library.need('mT')(b));
    return { args: [product, ...rest], kwargs };
  },
};

/** In place on a copy, since the samples are leaves that require a gradient. */
const onCopy: Exception = {
  rewrite: ({ args: [self, ...rest], kwargs }, library) => ({ args: [library.need('clone')(self), ...rest], kwargs }),
};

/** PyTorch's overload with the upper bound alone. */
function withLowZero(position: number, length: number): Exception {
  return {
    rewrite: ({ args, kwargs }) => ({
      args: args.length === length ? [...args.slice(0, position), 0, ...args.slice(position)] : args,
      kwargs,
    }),
  };
}

const unbiased: Exception = { names: ['input', 'unbiased'] };

const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every((item) => typeof item === 'number');

/** Python's `x[...]`: a list of plain numbers is one tensor of indices, any other list is a tuple of indices. */
const indexing: Exception = {
  invoke({ args: [self, index] }, library) {
    const indices = Array.isArray(index) && !isNumbers(index) ? index : [index];
    return library.method('at')(self, ...indices.map((item) => (isNumbers(item) ? library.indices(item) : item)));
  },
};

/** The gradient of a pooling, written out by PyTorch's suite as a call of its own. */
const poolingBackward: Exception = {
  invoke({ args: [input], kwargs }, library) {
    const { kernel_size: kernelSize, padding, dilation, ceil_mode: ceilMode } = kwargs;
    const stride = kwargs.stride ?? kernelSize;
    const options = { stride, padding, dilation, ceilMode };
    const pooled = library.need('nn.functional.maxPool2d')(input, kernelSize, { ...options, returnIndices: true }) as Iterable<Handle>;
    const [output, indices] = [...pooled];
    const gradOutput = library.need('onesLike')(output);
    const backward = library.need('maxPool2dWithIndicesBackward');
    return backward(gradOutput, input, kernelSize, stride, padding, dilation, ceilMode, indices);
  },
};

export const EXCEPTIONS: Readonly<Record<string, Exception>> = {
  __radd__: reflected('add'),
  __rdiv__: reflected('div'),
  __rmul__: reflected('mul'),
  __rsub__: reflected('sub'),
  __rmod__: reflected('remainder'),
  __rpow__: reflected('pow'),
  __rmatmul__: reflected('matmul'),
  __rand__: reflected('bitwiseAnd'),
  __ror__: reflected('bitwiseOr'),
  __rxor__: reflected('bitwiseXor'),
  __getitem__: indexing,
  cauchy: { op: 'cauchy_' },
  exponential: { op: 'exponential_' },
  geometric: { op: 'geometric_' },
  log_normal: { op: 'log_normal_' },
  normal_in_place: { op: 'normal_' },
  uniform: { op: 'uniform_' },
  resize_: onCopy,
  resize_as_: onCopy,
  zero_: onCopy,
  sort: { positions: { result: 1, dim: 1 } },
  argsort: { positions: { result: 0, dim: 1 } },
  topk: { positions: { result: 1, dim: 2 } },
  kthvalue: { positions: { result: 1, dim: 2 } },
  einsum: { rewrite: ({ args: [operands, equation], kwargs }) => ({ args: [equation, ...(operands as unknown[])], kwargs }) },
  polygamma_polygamma_n_0: swapped,
  polygamma_polygamma_n_1: swapped,
  polygamma_polygamma_n_2: swapped,
  polygamma_polygamma_n_3: swapped,
  polygamma_polygamma_n_4: swapped,
  special_polygamma_special_polygamma_n_0: swapped,
  nn_functional_embedding: swapped,
  nn_functional_embedding_bag: swapped,
  where: swapped,
  svd_lowrank: ofProduct,
  pca_lowrank: ofProduct,
  linalg_pinv_singular: ofProduct,
  linalg_lstsq_grad_oriented: { names: [undefined, undefined, 'driver'], results: 2 },
  std_unbiased: unbiased,
  var_unbiased: unbiased,
  std_mean_unbiased: unbiased,
  var_mean_unbiased: unbiased,
  randint: withLowZero(0, 2),
  randint_like: withLowZero(1, 2),
  linspace: { integers: [2] },
  linspace_tensor_overload: { integers: [2] },
  logspace: { integers: [2] },
  logspace_tensor_overload: { integers: [2] },
  max_pool2d_with_indices_backward: poolingBackward,
};
