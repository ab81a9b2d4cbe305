/**
 * The errors that nabla throws. The class says the kind, `code` says it to programs, the message says what was asked, what was found and what
 * to do. A refused call has changed nothing.
 *
 * Names are passed as strings and not read from the class: a minifier renames classes.
 */

/**
 * What every error of nabla is an instance of.
 *
 * @example
 * try {
 *   ones([2]).add(ones([3]) as never);
 * } catch (error) {
 *   error instanceof NablaError; // true
 * }
 */
export class NablaError extends Error {
  readonly code: string;
  constructor(name: string, code: string, message: string) {
    super(message);
    this.name = name;
    this.code = code;
  }
}

/**
 * Shapes that do not fit.
 *
 * @example
 * try {
 *   ones([2, 3]).reshape([4] as never);
 * } catch (error) {
 *   error instanceof ShapeError; // true
 * }
 */
export class ShapeError extends NablaError {
  constructor(message: string) {
    super('ShapeError', 'SHAPE', message);
  }
}

/**
 * A dtype that the operation is not defined for.
 *
 * @example
 * try {
 *   ones([2], { dtype: 'int64', requiresGrad: true });
 * } catch (error) {
 *   error instanceof DTypeError; // true
 * }
 */
export class DTypeError extends NablaError {
  constructor(message: string) {
    super('DTypeError', 'DTYPE', message);
  }
}

/**
 * A dimension or an index out of range.
 *
 * @example
 * try {
 *   ones([2]).select(0, 5 as never);
 * } catch (error) {
 *   error instanceof IndexError; // true
 * }
 */
export class IndexError extends NablaError {
  constructor(message: string) {
    super('IndexError', 'INDEX', message);
  }
}

/**
 * Any other argument that makes no sense.
 *
 * @example
 * try {
 *   linspace(0, 1, -1);
 * } catch (error) {
 *   error instanceof ArgumentError; // true
 * }
 */
export class ArgumentError extends NablaError {
  constructor(message: string) {
    super('ArgumentError', 'ARGUMENT', message);
  }
}

/**
 * A gradient that cannot be computed as asked.
 *
 * @example
 * try {
 *   ones([1]).backward();
 * } catch (error) {
 *   error instanceof AutogradError; // true
 * }
 */
export class AutogradError extends NablaError {
  constructor(message: string) {
    super('AutogradError', 'AUTOGRAD', message);
  }
}

/**
 * An in-place write that must not be.
 *
 * @example
 * try {
 *   ones([2], { requiresGrad: true }).add_(1);
 * } catch (error) {
 *   error instanceof InPlaceError; // true
 * }
 */
export class InPlaceError extends NablaError {
  constructor(message: string) {
    super('InPlaceError', 'IN_PLACE', message);
  }
}

/**
 * The heap is full, or a storage cannot be had.
 *
 * @example
 * try {
 *   zeros([1e6, 1e6]);
 * } catch (error) {
 *   error instanceof MemoryError; // true
 * }
 */
export class MemoryError extends NablaError {
  constructor(message: string) {
    super('MemoryError', 'MEMORY', message);
  }
}

/**
 * A device that is missing or cannot do what was asked.
 *
 * @example
 * try {
 *   ones([2], { device: 'cuda' as never });
 * } catch (error) {
 *   error instanceof DeviceError; // true
 * }
 */
export class DeviceError extends NablaError {
  constructor(message: string) {
    super('DeviceError', 'DEVICE', message);
  }
}
