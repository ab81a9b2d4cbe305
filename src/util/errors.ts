/**
 * The errors that nabla throws. The class says the kind, `code` says it to programs, the message says what was asked, what was found and what
 * to do. A refused call has changed nothing.
 */
export class NablaError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}
/** Shapes that do not fit. */
export class ShapeError extends NablaError {
  constructor(message: string) {
    super('SHAPE', message);
  }
}
/** A dtype that the operation is not defined for. */
export class DTypeError extends NablaError {
  constructor(message: string) {
    super('DTYPE', message);
  }
}
/** A dimension or index out of range. */
export class IndexError extends NablaError {
  constructor(message: string) {
    super('INDEX', message);
  }
}
/** Any other argument that makes no sense. */
export class ArgumentError extends NablaError {
  constructor(message: string) {
    super('ARGUMENT', message);
  }
}
/** A gradient that cannot be computed as asked. */
export class AutogradError extends NablaError {
  constructor(message: string) {
    super('AUTOGRAD', message);
  }
}
/** An in-place write that must not be. */
export class InPlaceError extends NablaError {
  constructor(message: string) {
    super('IN_PLACE', message);
  }
}
/** The heap is full. */
export class MemoryError extends NablaError {
  constructor(message: string) {
    super('MEMORY', message);
  }
}
/** A device that is missing or cannot do what was asked. */
export class DeviceError extends NablaError {
  constructor(message: string) {
    super('DEVICE', message);
  }
}
