/** Operators that are methods of a tensor too: `x.sin()` is `sin(x)`. Sorted. A test holds this equal to the declared methods. */
export const METHODS: readonly string[] = ['add', 'matmul', 'mean', 'mul', 'neg', 'permute', 'pow', 'reshape', 'sub', 'sum', 'transpose'];

/** Methods with an in-place form: `x.add_(y)`. Sorted. */
export const IN_PLACE: readonly string[] = ['add', 'mul', 'neg', 'pow', 'sub'];

/** Methods that take any number of arguments, such as a shape written as numbers. Sorted. */
export const VARIADIC: readonly string[] = ['expand', 'flip', 'permute', 'repeat', 'reshape', 'tile', 'view'];
