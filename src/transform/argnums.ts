import { describeValue } from '../tensor/messages.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import type { Mapped } from './tree.ts';

/** Which arguments are differentiated: one (the result is its gradient), or several (the result is a list). Negative ones count from the end. */
export type Argnums = number | readonly number[];

/** Argument `N` of a list of arguments. */
type At<A extends readonly unknown[], N extends number> = A extends readonly [unknown, ...unknown[]]
  ? `${N}` extends keyof A
    ? A[N]
    : A[number]
  : A[number];

/** The arguments that `argnums` picks: one, or a list. */
export type Picked<A extends readonly unknown[], N extends Argnums> = N extends readonly number[]
  ? { -readonly [K in keyof N]: At<A, N[K] & number> }
  : N extends number
    ? At<A, N>
    : never;

/** The Jacobian of results `R` for arguments `G`: the structure of the results, with that of the arguments in the place of each tensor. */
export type JacobianOf<R, G> = Mapped<R, Mapped<G, Tensor>>;

/** The positions that `argnums` names, each once and among the arguments. */
export function positionsOf(name: string, argnums: Argnums, count: number): { readonly single: boolean; readonly positions: number[] } {
  const single = !Array.isArray(argnums);
  const list: readonly unknown[] = single ? [argnums] : (argnums as readonly number[]);
  if (list.length === 0) throw new ArgumentError(`${name}: argnums is an empty list: name the arguments to differentiate`);
  const positions = list.map((at) => {
    if (typeof at !== 'number' || !Number.isInteger(at))
      throw new ArgumentError(`${name}: argnums holds positions of arguments, got ${describeValue(at)}`);
    if (at < -count || at >= count)
      throw new ArgumentError(`${name}: argnums names argument ${at}, but the function was called with ${count}`);
    return at < 0 ? at + count : at;
  });
  if (new Set(positions).size !== positions.length) throw new ArgumentError(`${name}: argnums names an argument twice: ${list.join(', ')}`);
  return { single, positions };
}
