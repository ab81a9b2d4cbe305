import { writeInPlace } from '../tensor/inplace.ts';
import { isTensor, Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { IN_PLACE, VARIADIC } from './method-names.ts';
import { type AnyFunction, IN_PLACE_TABLE, METHOD_TABLE } from './method-table.ts';

/** Attaches operators to the tensor as methods: `x.sin()` is `sin(x)`, and `x.sin_()` writes the result into `x`. */

function define(name: string, value: unknown): void {
  Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true });
}

/** `x.name(...)`: the tensor goes first. Fixed arity, since rest arguments cost an array a call. */
function method(f: AnyFunction): unknown {
  const call = f as (x: Tensor, a: unknown, b: unknown, c: unknown, d: unknown, e: unknown) => unknown;
  return function (this: Tensor, a: unknown, b: unknown, c: unknown, d: unknown, e: unknown): unknown {
    requireReceiver(f, this);
    return call(this, a, b, c, d, e);
  };
}

/** Functions that also take a number first must not do so as methods. */
function requireReceiver(f: AnyFunction, self: unknown): void {
  if (!isTensor(self)) throw new ArgumentError(`${f.name}: a method of tensors was called on something that is none`);
}

/** `x.name(...)` for functions that take any number of arguments, such as shapes. */
function variadicMethod(f: AnyFunction): unknown {
  const call = f as (x: Tensor, ...rest: unknown[]) => unknown;
  return function (this: Tensor, ...rest: unknown[]): unknown {
    return call(this, ...rest);
  };
}

/** `x.name_(...)`: in place. Families bring a direct form; everything else computes and writes. */
function inPlaceMethod(name: string, f: AnyFunction & { inPlace?: AnyFunction }): unknown {
  if (f.inPlace !== undefined) return method(f.inPlace);
  const call = f as (x: Tensor, ...rest: unknown[]) => Tensor;
  return function (this: Tensor, ...rest: unknown[]): Tensor {
    return writeInPlace(`${name}_`, this, (old) => call(old, ...rest));
  };
}

/** Puts the methods on the prototype. */
export function attachMethods(): void {
  const variadic = new Set(VARIADIC);
  for (const [name, f] of Object.entries(METHOD_TABLE)) define(name, variadic.has(name) ? variadicMethod(f) : method(f));
  for (const name of IN_PLACE) {
    const f = METHOD_TABLE[name] ?? IN_PLACE_TABLE[name];
    if (f !== undefined) define(`${name}_`, inPlaceMethod(name, f));
  }
}
