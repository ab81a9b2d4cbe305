/**
 * The errors that nabla throws. The class says the kind, `code` says it to programs, the message says what was asked, what was found and what
 * to do. A refused call has changed nothing.
 *
 * Names are passed as strings and not read from the class: a minifier renames classes.
 */

/** What every error of nabla is an instance of. */
export class NablaError extends Error {
  readonly code: string;
  constructor(name: string, code: string, message: string) {
    super(message);
    this.name = name;
    this.code = code;
  }
}

/** Shapes that do not fit. */
export class ShapeError extends NablaError {
  constructor(message: string) {
    super('ShapeError', 'SHAPE', message);
  }
}

/** A dtype that the operation is not defined for. */
export class DTypeError extends NablaError {
  constructor(message: string) {
    super('DTypeError', 'DTYPE', message);
  }
}

/** A dimension or an index out of range. */
export class IndexError extends NablaError {
  constructor(message: string) {
    super('IndexError', 'INDEX', message);
  }
}

/** Any other argument that makes no sense. */
export class ArgumentError extends NablaError {
  constructor(message: string) {
    super('ArgumentError', 'ARGUMENT', message);
  }
}

/** A gradient that cannot be computed as asked. */
export class AutogradError extends NablaError {
  constructor(message: string) {
    super('AutogradError', 'AUTOGRAD', message);
  }
}

/** An in-place write that must not be. */
export class InPlaceError extends NablaError {
  constructor(message: string) {
    super('InPlaceError', 'IN_PLACE', message);
  }
}

/** The heap is full, or a storage cannot be had. */
export class MemoryError extends NablaError {
  constructor(message: string) {
    super('MemoryError', 'MEMORY', message);
  }
}

/** A device that is missing or cannot do what was asked. */
export class DeviceError extends NablaError {
  constructor(message: string) {
    super('DeviceError', 'DEVICE', message);
  }
}
