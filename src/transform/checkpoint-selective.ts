import type { Operator } from '../op/contract.ts';
import { untrack } from '../runtime/storage.ts';
import { attachOne, makeNode } from '../tensor/apply.ts';
import { MapNode } from '../tensor/map-node.ts';
import type { MapOperator, MapParams } from '../tensor/map-operator.ts';
import { describeValue } from '../tensor/messages.ts';
import { mode } from '../tensor/modes.ts';
import type { AnyOperator } from '../tensor/node.ts';
import { aliasOf, type Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { ArgumentError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { CheckpointError } from './checkpoint-error.ts';
import type { CheckpointContext } from './checkpoint-frame.ts';
import { observed, PassingObserver } from './checkpoint-trace.ts';
import { flattenTree, type Structure } from './tree.ts';

/** What to do with the results of one operator: keep them, or compute them again. `prefer…` leaves the choice open, and is taken at its word today. */
export type CheckpointPolicy = 'mustSave' | 'preferSave' | 'mustRecompute' | 'preferRecompute';

/** What a policy can look at besides the operator and its inputs. */
export interface SelectiveCheckpointContext {
  /** What the operator returned: a tensor, or a list; of a custom function also anything else. */
  readonly output: Tensor | readonly unknown[];
}

/** Decides for each call of an operator, by its name (as a profile shows it) and its inputs. True means 'mustSave', false 'preferRecompute'. */
export type PolicyFunction = (
  context: SelectiveCheckpointContext,
  operator: string,
  inputs: readonly Tensor[],
) => CheckpointPolicy | boolean;

/** An operator of the library, or its name. */
export type OperatorChoice = string | { readonly operator: { readonly name: string } };

/** How `createSelectiveCheckpointContexts` treats what it keeps. */
export interface SelectiveOptions {
  /** Allow writing in place into results that are kept: the second run then sees what was written. Default: false. */
  readonly allowCacheEntryMutation?: boolean;
}

const OPTIONS: ReadonlySet<string> = new Set(['allowCacheEntryMutation']);
const POLICIES: ReadonlySet<unknown> = new Set(['mustSave', 'preferSave', 'mustRecompute', 'preferRecompute']);
const NAME = 'createSelectiveCheckpointContexts';

/** One call of an operator or a custom function in the first run. */
interface Entry {
  readonly operator: string;
  /** The tensors that it returned, if they are kept, and how its result is put together from them. */
  kept: readonly Kept[] | null;
  readonly structure: Structure | null;
  consumed: boolean;
}

interface Kept {
  readonly tensor: Tensor;
  readonly version: number;
}

/**
 * Whether results of this call can be kept: a view has no memory of its own, and an operator that is differentiated through the operators inside of it is
 * asked about those instead.
 */
function canKeep(operator: Operator<Tensor, never>): boolean {
  return operator.aliasing === 'fresh' && operator.derivative.kind !== 'composite';
}

/** Whether the results of a call are kept. */
type Saves = (context: SelectiveCheckpointContext, operator: string, inputs: readonly Tensor[]) => boolean;

/** The first run: asks the policy and keeps what it says. */
class Keeping extends PassingObserver {
  readonly #entries: Entry[];
  readonly #saves: Saves;

  constructor(entries: Entry[], saves: Saves) {
    super();
    this.#entries = entries;
    this.#saves = saves;
  }

  override apply(operator: Operator<Tensor, never>, inputs: readonly Tensor[], params: never): Tensor | Tensor[] {
    const run = (): Tensor | Tensor[] => super.apply(operator, inputs, params);
    return canKeep(operator) ? this.#asked(operator.name, inputs, run) : run();
  }

  override call<R>(name: string, pure: boolean, inputs: readonly Tensor[], forward: () => R): R {
    const run = (): R => super.call(name, pure, inputs, forward);
    return pure ? this.#asked(name, inputs, run) : run();
  }

  #asked<R>(name: string, inputs: readonly Tensor[], run: () => R): R {
    const at = this.#entries.length;
    this.#entries.push({ operator: name, kept: null, structure: null, consumed: false });
    const output = run();
    const { leaves, structure } = flattenTree(output);
    // What returns an input of its own is not made anew.
    const keepable = !leaves.some((x) => inputs.includes(x));
    if (!keepable || !this.#saves({ output: output as Tensor | readonly unknown[] }, name, inputs)) return output;
    const kept = leaves.map((x) => ({ tensor: aliasOf(x), version: x.storage.version }));
    // An operator around this one may free what it does not return.
    for (const x of leaves) untrack(x.storage);
    // Nobody asks for the calls inside of one that is not made again.
    this.#entries.length = at;
    this.#entries.push({ operator: name, kept, structure, consumed: false });
    return output;
  }
}

/** The second run: gives back what was kept, in the order of the first. */
class Giving extends PassingObserver {
  readonly #entries: readonly Entry[];
  readonly #mutable: boolean;
  #position = 0;

  constructor(entries: readonly Entry[], mutable: boolean) {
    super();
    this.#entries = entries;
    this.#mutable = mutable;
  }

  override apply(operator: Operator<Tensor, never>, inputs: readonly Tensor[], params: never): Tensor | Tensor[] {
    const found = canKeep(operator) ? this.#next(operator.name) : null;
    if (found === null) return super.apply(operator, inputs, params);
    const result = found.value as Tensor | Tensor[];
    record(operator as unknown as AnyOperator, inputs, params, result);
    return result;
  }

  override call<R>(name: string, pure: boolean, inputs: readonly Tensor[], forward: () => R): R {
    const found = pure ? this.#next(name) : null;
    return found === null ? super.call(name, pure, inputs, forward) : (found.value as R);
  }

  /** What the next call returned, or null where it is to be made again. */
  #next(operator: string): { readonly value: unknown } | null {
    const entry = this.#entries[this.#position++];
    if (entry === undefined || entry.operator !== operator) {
      throw new CheckpointError(
        `checkpoint: when the function ran again, operator ${this.#position} was ${operator}, where the first run had ${entry?.operator ?? 'ended'}: ` +
          'it must do the same each time it runs with the same inputs',
      );
    }
    if (entry.consumed) {
      throw new CheckpointError(
        `checkpoint: what ${operator} had returned was given up in an earlier backward pass: a region with a policy can be differentiated once, even with retainGraph`,
      );
    }
    if (entry.kept === null) return null;
    const outputs = entry.kept.map((kept) => this.#fresh(operator, kept));
    entry.kept = null;
    entry.consumed = true;
    return { value: (entry.structure as Structure).rebuild(outputs) };
  }

  #fresh(operator: string, { tensor, version }: Kept): Tensor {
    if (tensor.storage.version !== version && !this.#mutable) {
      throw new CheckpointError(
        `checkpoint: what ${operator} returned was kept for the backward pass and has been changed in place since` +
          `${tensor.storage.writer === null ? '' : ` by ${tensor.storage.writer}`}: use the functional form, or pass { allowCacheEntryMutation: true } if that is meant`,
      );
    }
    return aliasOf(tensor);
  }
}

/** Records a call whose results are there already, as it was in the first run. */
function record(operator: AnyOperator, inputs: readonly Tensor[], params: unknown, result: Tensor | Tensor[]): void {
  if (!mode.grad || operator.derivative.kind === 'none' || !inputs.some(isTracked)) return;
  if (operator.derivative.kind === 'map') {
    const output = result as Tensor;
    if (!output.type.isFloat && !output.type.isComplex) return;
    attachOne(new MapNode(operator as unknown as MapOperator, params as MapParams, inputs, output), output, 0);
    return;
  }
  const node = makeNode(operator, inputs, params, result);
  (Array.isArray(result) ? result : [result]).forEach((output, index) => {
    if (operator.nonDifferentiableOutputs?.includes(index) !== true) attachOne(node, output, index);
  });
}

function policyOf(given: PolicyFunction | readonly OperatorChoice[]): Saves {
  if (typeof given === 'function') {
    return (context, operator, inputs) => {
      const policy = given(context, operator, inputs);
      if (typeof policy === 'boolean') return policy;
      if (!POLICIES.has(policy))
        throw new ArgumentError(
          `${NAME}: the policy returned ${describeValue(policy)} for ${operator}: it may return ${[...POLICIES].join(', ')}`,
        );
      return policy === 'mustSave' || policy === 'preferSave';
    };
  }
  if (!Array.isArray(given))
    throw new ArgumentError(`${NAME}: policy must be a function or a list of operators, got ${describeValue(given)}`);
  const names = new Set(
    given.map((choice, i) => {
      const name: unknown = typeof choice === 'string' ? choice : (choice as { operator?: { name?: unknown } } | null)?.operator?.name;
      if (typeof name !== 'string')
        throw new ArgumentError(
          `${NAME}: entry ${i} of the list is ${describeValue(choice)}: give operators (matmul) or their names ('matmul')`,
        );
      return name;
    }),
  );
  if (names.has('matmul')) names.add('mm');
  return (_context, operator) => names.has(operator);
}

/**
 * For `contextFn` of `checkpoint`: results of the operators that `policy` says are kept, so that the second run need not compute them again. `policy` is a
 * function that is asked after each call of the first run, or a list of the operators to keep. So what is expensive (`matmul`) can be kept and what is
 * cheap computed again.
 *
 * Views are never kept, since they have no memory of their own; neither are results of operators that are differentiated through others inside of them,
 * about which the policy is asked instead, nor those of custom functions without `setupContext`. What is kept is given up as it is used, so such a region can be differentiated once.
 * The backward pass throws CheckpointError for a second time, and if what was kept has been changed in place.
 *
 * @example
 * const x = ones([2, 2], { requiresGrad: true });
 * const contextFn = () => createSelectiveCheckpointContexts([matmul]);
 * const y = checkpoint((x) => x.matmul(x).sin().exp(), [x], { contextFn });
 * y.sum().backward(); // runs sin again, not matmul
 */
export function createSelectiveCheckpointContexts(
  policy: PolicyFunction | readonly OperatorChoice[],
  options: SelectiveOptions = {},
): readonly [CheckpointContext, CheckpointContext] {
  checkOptions(NAME, options, OPTIONS);
  const saves = policyOf(policy);
  const entries: Entry[] = [];
  return [
    (body) => observed(new Keeping(entries, saves), body),
    (body) => observed(new Giving(entries, options.allowCacheEntryMutation === true), body),
  ];
}
