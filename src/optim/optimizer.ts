import { fillTensor, fullTensor } from '../ops/create.ts';
import { together } from '../ops/optimizer-update.ts';
import { effect } from '../runtime/recorder.ts';
import { labelStorage, untrack } from '../runtime/storage.ts';
import { forgetGradient, giveAway } from '../tensor/accumulate.ts';
import { markWritten } from '../tensor/inplace.ts';
import { describeTensor, describeValue, isForeignTensor } from '../tensor/messages.ts';
import type { AutogradMeta } from '../tensor/meta.ts';
import { mode, withGradMode } from '../tensor/modes.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { checkOptions, optionNames } from '../util/options.ts';

/** Parameters with the options that hold for them. */
export interface ParamGroup {
  params: Tensor[];
  lr: number;
  [option: string]: unknown;
}

/** Parameters, or groups of parameters with options of their own. */
export type Params = Iterable<Tensor> | Iterable<{ readonly params: Iterable<Tensor> | Tensor; readonly [option: string]: unknown }>;

/** Options that most optimizers have. */
export interface CommonOptions {
  /** Factor of the L2 penalty. Default 0. */
  readonly weightDecay?: number;
  /** Climb instead of descending. */
  readonly maximize?: boolean;
}

/** State of one parameter: buffers and counts by PyTorch's names. */
export type ParamState = Record<string, Tensor | number | null>;

/** What `stateDict` gives: states by parameter number, groups with parameter numbers. */
export interface OptimizerState {
  readonly state: Readonly<Record<number, ParamState>>;
  readonly paramGroups: readonly Readonly<Record<string, unknown>>[];
}

/**
 * The base of all optimizers: groups of parameters, their state, and the loop over them. A subclass says what one step does to one parameter.
 *
 * @example
 * class SignDescent extends optim.Optimizer<{ lr: number }> {
 *   protected override update(parameter: Tensor, grad: Tensor, group: { lr: number }): void {
 *     parameter.sub_(grad.sign().mul(group.lr));
 *   }
 * }
 * const w = tensor([1, 2], { requiresGrad: true });
 * const optimizer = new SignDescent([w], { lr: 0.5 });
 * w.sum().backward();
 * optimizer.step();
 * w.detach(); // tensor([0.5000, 1.5000])
 */
export abstract class Optimizer<Options extends object> {
  readonly paramGroups: (ParamGroup & Options)[] = [];
  readonly state = new Map<Tensor, ParamState>();
  readonly defaults: Options & { readonly lr: number };
  /** Whether no update looks at what another one writes, so that all of them may be one launch. Own to the class that defines `update`: one that overrides it may look. */
  static readonly together: boolean = false;
  private readonly together: boolean;

  constructor(params: Params, defaults: Options & { readonly lr: number }) {
    const { name, signature } = this.constructor as { readonly name: string; readonly signature?: string };
    if (signature !== undefined) checkOptions(name, defaults, new Set([...optionNames(signature), 'decoupledWeightDecay']));
    this.defaults = defaults;
    this.together = updatesTogether(this);
    if (isTensor(params))
      throw new ArgumentError(`${this.constructor.name}: got one tensor, whose rows are no parameters: give a list, [parameter]`);
    if (!isIterable(params))
      throw new ArgumentError(`${this.constructor.name}: expected a list of parameters, got ${describeValue(params)}`);
    const list = [...(params as Iterable<unknown>)];
    if (list.length === 0) throw new ArgumentError(`${this.constructor.name}: got no parameters to optimise`);
    if (list.every((entry) => isTensor(entry) || isForeignTensor(entry))) this.addParamGroup({ params: list as Tensor[] });
    else for (const group of list) this.addParamGroup(group as { params: Iterable<Tensor> });
  }

  /** Adds parameters with options of their own. */
  addParamGroup(group: { readonly params: Iterable<Tensor> | Tensor; readonly [option: string]: unknown }): void {
    if (typeof group !== 'object' || group === null || !(isTensor(group.params) || isIterable(group.params)))
      throw new ArgumentError(`${this.constructor.name}: expected parameters or groups { params: […] }, got ${describeValue(group)}`);
    const params = isTensor(group.params) ? [group.params] : [...group.params];
    const known = new Set(this.paramGroups.flatMap((g) => g.params));
    for (const parameter of params) {
      if (!isTensor(parameter))
        throw new ArgumentError(`${this.constructor.name}: parameters must be tensors, got ${describeValue(parameter)}`);
      if (parameter.node !== null)
        throw new ArgumentError(`${this.constructor.name}: ${describeTensor(parameter)} is not a leaf: only leaves can be optimised`);
      if (known.has(parameter))
        throw new ArgumentError(`${this.constructor.name}: ${describeTensor(parameter)} is in more than one parameter group`);
      known.add(parameter);
    }
    this.paramGroups.push({ ...this.defaults, ...group, params } as ParamGroup & Options);
  }

  /** The class and the options of each group, as PyTorch prints them. */
  toString(): string {
    const groups = this.paramGroups.map(({ params, ...options }, i) => {
      const lines = Object.entries(options).map(
        ([name, value]) => `    ${name}: ${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}`,
      );
      return `Parameter Group ${i}\n${lines.sort().join('\n')}\n`;
    });
    return `${this.constructor.name} (\n${groups.join('\n')})`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** Forgets the gradients of all parameters, or sets them to zero in place. */
  zeroGrad(options: { readonly setToNone?: boolean } = {}): void {
    effect(() => {
      for (const group of this.paramGroups) {
        for (const { meta } of group.params) if (meta !== null) clearGrad(meta, options.setToNone ?? true);
      }
    });
  }

  /** One step along the gradients. A closure that recomputes the loss is called first, with recording on; its result is returned. */
  step(closure?: () => Tensor): Tensor | null {
    const loss = closure === undefined ? null : withGradMode(true, closure);
    effect(() => withGradMode(false, () => (this.together ? together(() => this.updateAll()) : this.updateAll())));
    return loss;
  }

  private updateAll(): void {
    const writer = `${this.constructor.name}.step`;
    for (const group of this.paramGroups) {
      for (const parameter of group.params) {
        const grad = parameter.meta?.grad ?? null;
        if (grad === null) continue;
        // A class that is not ours may keep it.
        if (!this.together) giveAway(grad);
        if (mode.beforeWrite !== null) mode.beforeWrite(parameter);
        this.update(parameter, grad, group, this.stateOf(parameter));
        markWritten(parameter, writer);
      }
    }
  }

  /** Counts a step in the parameter's state; the first is 1. */
  protected countStep(state: ParamState): number {
    const step = Number(state['step'] ?? 0) + 1;
    state['step'] = step;
    return step;
  }

  /** A tensor of the parameter's state, made with one value at the first step. */
  protected stateTensor(state: ParamState, name: string, parameter: Tensor, value = 0): Tensor {
    const known = state[name];
    if (known !== undefined) return known as Tensor;
    return this.keepState(state, name, fullTensor(parameter.shape, value, parameter.type));
  }

  /** Keeps a tensor as part of a parameter's state: it outlives the scope of the step. */
  protected keepState(state: ParamState, name: string, value: Tensor): Tensor {
    labelStorage(value.storage, `state of ${this.constructor.name}`);
    untrack(value.storage);
    state[name] = value;
    return value;
  }

  private stateOf(parameter: Tensor): ParamState {
    let state = this.state.get(parameter);
    if (state === undefined) {
      state = {};
      this.state.set(parameter, state);
    }
    return state;
  }

  /** Changes one parameter in place. */
  protected abstract update(parameter: Tensor, grad: Tensor, group: ParamGroup & Options, state: ParamState): void;

  /** State and options, parameters replaced by their numbers. The tensors share memory with the optimizer. */
  stateDict(): OptimizerState {
    const all = this.paramGroups.flatMap((group) => group.params);
    const state: Record<number, ParamState> = {};
    all.forEach((parameter, i) => {
      const own = this.state.get(parameter);
      if (own !== undefined) state[i] = { ...own };
    });
    let next = 0;
    return { state, paramGroups: this.paramGroups.map((group) => ({ ...group, params: group.params.map(() => next++) })) };
  }

  /** Takes over state and options of another run. Throws ArgumentError when the groups do not match. */
  loadStateDict(saved: OptimizerState): void {
    if (saved.paramGroups.length !== this.paramGroups.length) {
      throw new ArgumentError(
        `loadStateDict: the state has ${saved.paramGroups.length} parameter groups, this optimizer ${this.paramGroups.length}`,
      );
    }
    saved.paramGroups.forEach((group, i) => {
      const own = (this.paramGroups[i] as ParamGroup).params.length;
      if ((group['params'] as unknown[]).length !== own)
        throw new ArgumentError(
          `loadStateDict: group ${i} has ${(group['params'] as unknown[]).length} parameters in the state and ${own} here`,
        );
    });
    saved.paramGroups.forEach((group, i) => {
      const own = this.paramGroups[i] as ParamGroup;
      Object.assign(own, group, { params: own.params });
    });
    const all = this.paramGroups.flatMap((group) => group.params);
    this.state.clear();
    for (const [i, state] of Object.entries(saved.state)) this.state.set(all[Number(i)] as Tensor, { ...state });
  }
}

/** What the class says that defines `update`. */
function updatesTogether(optimizer: object): boolean {
  let prototype = Object.getPrototypeOf(optimizer) as object;
  while (!Object.hasOwn(prototype, 'update')) prototype = Object.getPrototypeOf(prototype) as object;
  const owner = prototype.constructor as unknown as { readonly together: boolean };
  return Object.hasOwn(owner, 'together') && owner.together;
}

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function clearGrad(meta: AutogradMeta, drop: boolean): void {
  if (drop || meta.grad === null) forgetGradient(meta);
  else zeroInPlace(meta.grad);
}

function zeroInPlace(grad: Tensor): void {
  fillTensor(grad, 0);
  markWritten(grad, 'zeroGrad');
}

/** Refuses negative rates and the like before an optimizer is built. */
export function checkRange(name: string, option: string, value: number, low = 0, high = Number.POSITIVE_INFINITY): void {
  if (!(value >= low && value < high) && !(value === high && high === Number.POSITIVE_INFINITY)) {
    throw new ArgumentError(
      `${name}: ${option} must be at least ${low}${high === Number.POSITIVE_INFINITY ? '' : ` and below ${high}`}, got ${value}`,
    );
  }
}

/** What a running mean that began with 0 has of its weights after so many steps. It is the same for all parameters, mostly, and powers take long. */
export class Correction {
  #beta = 0;
  #step = 0;
  #value = 0;

  /** 1 - beta^step */
  at(beta: number, step: number): number {
    if (beta !== this.#beta || step !== this.#step) {
      this.#beta = beta;
      this.#step = step;
      this.#value = 1 - beta ** step;
    }
    return this.#value;
  }
}
