import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';

/** Tensors in arrays and plain objects, nested at will. */
export type Tree = Tensor | readonly Tree[] | { readonly [key: string]: Tree };

/** A tree with every tensor replaced. */
export type Mapped<T, R> = T extends Tensor
  ? R
  : T extends readonly unknown[]
    ? { [K in keyof T]: Mapped<T[K], R> }
    : { [K in keyof T]: Mapped<T[K], R> };

/** What is left of a tree without its tensors: how to put others in their places. */
export interface Structure {
  readonly count: number;
  rebuild<R>(leaves: readonly R[]): unknown;
}

/** The tensors of a tree in order, and its structure. Anything but tensors, arrays and plain objects is kept as it is. */
export function flattenTree(tree: unknown): { leaves: Tensor[]; structure: Structure } {
  const leaves: Tensor[] = [];
  const walk = (value: unknown): ((next: () => unknown) => unknown) => {
    if (isTensor(value)) {
      leaves.push(value);
      return (next) => next();
    }
    if (Array.isArray(value)) {
      const parts = value.map(walk);
      return (next) => parts.map((part) => part(next));
    }
    if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
      const parts = Object.entries(value).map(([key, item]) => [key, walk(item)] as const);
      return (next) => Object.fromEntries(parts.map(([key, part]) => [key, part(next)]));
    }
    return () => value;
  };
  const build = walk(tree);
  return {
    leaves,
    structure: {
      count: leaves.length,
      rebuild: (values) => {
        let at = 0;
        return build(() => values[at++]);
      },
    },
  };
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
