import { describeValue } from '../tensor/messages.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';

/** Tensors in arrays and plain objects, nested at will. */
export type Tree = Tensor | readonly Tree[] | { readonly [key: string]: Tree };

/** A tree with every tensor replaced. */
export type Mapped<T, R> = T extends Tensor
  ? R
  : T extends (...args: never[]) => unknown
    ? T
    : T extends readonly unknown[] | object
      ? { -readonly [K in keyof T]: Mapped<T[K], R> }
      : T;

/** A tree with the shapes of its tensors forgotten: they gain or lose a dimension. */
export type Unshaped<T> =
  T extends Tensor<infer _S, infer D>
    ? Tensor<number[], D>
    : T extends (...args: never[]) => unknown
      ? T
      : T extends readonly unknown[] | object
        ? { [K in keyof T]: Unshaped<T[K]> }
        : T;

/** What is left of a tree without its tensors: how to put others in their places. */
export interface Structure {
  readonly count: number;
  rebuild<R>(leaves: readonly R[]): unknown;
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Puts a part of a tree together, taking its tensors from `next`. */
type Builder = (next: () => unknown) => unknown;

// Functions of their own: what is left of a tree must not keep its tensors alive, as closures beside each other would.
const takeLeaf: Builder = (next) => next();
const keep =
  (value: unknown): Builder =>
  () =>
    value;
const listOf =
  (parts: readonly Builder[]): Builder =>
  (next) =>
    parts.map((part) => part(next));
const objectOf =
  (parts: readonly (readonly [string, Builder])[]): Builder =>
  (next) =>
    Object.fromEntries(parts.map(([key, part]) => [key, part(next)]));

function builderOf(value: unknown, leaves: Tensor[]): Builder {
  if (isTensor(value)) {
    leaves.push(value);
    return takeLeaf;
  }
  if (Array.isArray(value)) return listOf(value.map((item) => builderOf(item, leaves)));
  if (isPlainObject(value)) return objectOf(Object.entries(value).map(([key, item]) => [key, builderOf(item, leaves)] as const));
  return keep(value);
}

function structureOf(count: number, build: Builder): Structure {
  return {
    count,
    rebuild: (values) => {
      let at = 0;
      return build(() => values[at++]);
    },
  };
}

/** The tensors of a tree in order, and its structure. Anything but tensors, arrays and plain objects is kept as it is. */
export function flattenTree(tree: unknown): { leaves: Tensor[]; structure: Structure } {
  const leaves: Tensor[] = [];
  const build = builderOf(tree, leaves);
  return { leaves, structure: structureOf(leaves.length, build) };
}

/** A tree of the same structure with every tensor replaced. */
export function mapTree<T>(tree: T, f: (x: Tensor, index: number) => Tensor): T {
  const { leaves, structure } = flattenTree(tree);
  return structure.rebuild(leaves.map(f)) as T;
}

/** The leaves of a tree that must be of the same structure as another. */
export function leavesLike(name: string, role: string, tree: unknown, count: number): Tensor[] {
  const { leaves } = flattenTree(tree);
  if (leaves.length !== count) throw new ArgumentError(`${name}: ${role} has ${leaves.length} tensors where ${count} are expected`);
  return leaves;
}

/** What a tree of companions has for each tensor of another tree, in order: a companion, or null for a whole branch of them. */
export function companionsOf(name: string, role: string, tree: unknown, companions: unknown): (Tensor | null)[] {
  if (companions === null) return flattenTree(tree).leaves.map(() => null);
  if (isTensor(tree)) {
    if (!isTensor(companions)) throw new ArgumentError(`${name}: ${role} must be a tensor, got ${describeValue(companions)}`);
    return [companions];
  }
  if (Array.isArray(tree)) {
    if (!Array.isArray(companions) || companions.length !== tree.length)
      throw new ArgumentError(
        `${name}: ${role} must be an array of ${tree.length}, got ${Array.isArray(companions) ? companions.length : describeValue(companions)}`,
      );
    return tree.flatMap((item, i) => companionsOf(name, `${role}[${i}]`, item, companions[i]));
  }
  if (!isPlainObject(tree)) return [];
  if (!isPlainObject(companions)) throw new ArgumentError(`${name}: ${role} must be an object, got ${describeValue(companions)}`);
  return Object.entries(tree).flatMap(([key, item]) => {
    const holdsTensors = flattenTree(item).leaves.length > 0;
    if (holdsTensors && !(key in companions)) throw new ArgumentError(`${name}: ${role} has no entry '${key}'`);
    return holdsTensors ? companionsOf(name, `${role}.${key}`, item, companions[key]) : [];
  });
}

/** The tensors of what a user's function returned. Anything else in it is refused, a promise with a reason of its own. */
export function returnedLeaves(name: string, result: unknown): { leaves: Tensor[]; structure: Structure } {
  refuseOthers(name, result, '');
  return flattenTree(result);
}

function refuseOthers(name: string, value: unknown, path: string): void {
  if (isTensor(value)) return;
  if (Array.isArray(value)) value.forEach((item, i) => void refuseOthers(name, item, `${path}[${i}]`));
  else if (isPlainObject(value)) for (const [key, item] of Object.entries(value)) refuseOthers(name, item, `${path}.${key}`);
  else {
    const what = value instanceof Promise ? 'a promise, but it must be synchronous' : describeValue(value);
    throw new ArgumentError(
      `${name}: the function must return tensors, alone or in arrays and objects, got ${what}${path === '' ? '' : ` as result${path}`}`,
    );
  }
}
