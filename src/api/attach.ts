import { writeInPlace } from '../tensor/inplace.ts';
import { isTensor, Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { VARIADIC } from './method-names.ts';
import { type AnyFunction, IN_PLACE_ONLY, METHODS_AND_IN_PLACE, METHODS_ONLY, type MethodList } from './method-table.ts';

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

/** The functions of a list with the names that they stand for. */
function* rows(list: MethodList): Generator<readonly [string, AnyFunction]> {
  let given: string | null = null;
  for (const entry of list) {
    if (typeof entry === 'string') {
      given = entry;
      continue;
    }
    yield [given ?? entry.name, entry];
    given = null;
  }
}

/** Puts the methods on the prototype. */
export function attachMethods(): void {
  const variadic = new Set(VARIADIC);
  for (const list of [METHODS_ONLY, METHODS_AND_IN_PLACE])
    for (const [name, f] of rows(list)) define(name, variadic.has(name) ? variadicMethod(f) : method(f));
  for (const list of [METHODS_AND_IN_PLACE, IN_PLACE_ONLY]) for (const [name, f] of rows(list)) define(`${name}_`, inPlaceMethod(name, f));
}
