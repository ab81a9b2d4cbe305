import { type DType, type DTypeInfo, dtypeInfo } from '../dtype/dtype.ts';
import { cast } from '../ops/structural.ts';
import { effect, recording } from '../runtime/recorder.ts';
import { formatShape } from '../shape/shape.ts';
import { forgetGradient } from '../tensor/accumulate.ts';
import { describeValue } from '../tensor/messages.ts';
import { withGradMode } from '../tensor/modes.ts';
import { isTensor, Tensor } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { camelNames, checkOptions } from '../util/options.ts';
import { BackwardWatch, type FullBackwardHook, type FullBackwardPreHook } from './backward-hooks.ts';
import { copyInto } from './copy.ts';
import { isParameter } from './parameter.ts';

/** Tensors by PyTorch's names: what `stateDict` returns and `loadStateDict` takes. */
export type StateDict = Map<string, Tensor>;

/** What `loadStateDict` found: names that the module has and the state lacks, and the other way round. */
export interface LoadResult {
  readonly missingKeys: readonly string[];
  readonly unexpectedKeys: readonly string[];
}

/** Removes a hook. */
export interface HookHandle {
  remove(): void;
}

type Forward = (...inputs: never[]) => unknown;

/** Sees a module and the inputs of its `forward`, and may replace them. */
export type ForwardPreHook<M> = (module: M, inputs: readonly unknown[]) => readonly unknown[] | undefined | void;
/** Sees a module and the inputs and the output of its `forward`, and may replace the output. */
export type ForwardHook<M> = (module: M, inputs: readonly unknown[], output: unknown) => unknown;

/** `runningMean` -> `running_mean`: names in a state are PyTorch's, so that weights travel both ways. */
export function stateName(property: string): string {
  return property.replace(/([a-z0-9])([A-Z])/g, (_, a: string, b: string) => `${a}_${b.toLowerCase()}`);
}

/**
 * The base of all neural networks. A subclass sets parameters, buffers and other modules as properties in its constructor and defines `forward`;
 * call it as `model.forward(x)`.
 *
 * @example
 * class Net extends Module {
 *   hidden = new Linear(4, 8);
 *   out = new Linear(8, 2);
 *   forward(x: Tensor) {
 *     return this.out.forward(relu(this.hidden.forward(x)));
 *   }
 * }
 * new Net().parameters().length; // 4
 */
export abstract class Module {
  #training = true;
  readonly #buffers = new Map<string, boolean>();
  readonly #forwardPreHooks = new Set<{ readonly hook: ForwardPreHook<never> }>();
  readonly #forwardHooks = new Set<{ readonly hook: ForwardHook<never> }>();
  readonly #backwardPreHooks = new Set<{ readonly hook: FullBackwardPreHook<never> }>();
  readonly #backwardHooks = new Set<{ readonly hook: FullBackwardHook<never> }>();
  #watched = false;

  /** A layer of the library hands its options on: those that its signature does not name are refused. */
  constructor(options?: object) {
    const { signature } = new.target as { readonly signature?: string };
    if (options !== undefined && signature !== undefined) checkOptions(new.target.name, options, camelNames(signature));
  }

  /** Whether the module is being trained: dropout and the like look at it. Set by `train()` and `eval()`. */
  get training(): boolean {
    if (recording.by !== null) recording.by.watch(() => this.#training);
    return this.#training;
  }

  set training(value: boolean) {
    this.#training = value;
  }

  /** Declares a property as state that is saved but not learned. */
  registerBuffer(property: string, value: Tensor | null, options: { readonly persistent?: boolean } = {}): void {
    Object.assign(this, { [property]: value });
    this.#buffers.set(property, options.persistent ?? true);
  }

  /** The properties that are modules, and the entries of those that are arrays of modules (`blocks.0`). Containers override it. */
  namedChildren(): [string, Module][] {
    return Object.entries(this).flatMap(([name, value]): [string, Module][] => {
      if (value instanceof Module) return [[name, value]];
      if (!Array.isArray(value) || !value.every((item) => item instanceof Module)) return [];
      return value.map((item, i) => [`${name}.${i}`, item]);
    });
  }

  children(): Module[] {
    return this.namedChildren().map(([, child]) => child);
  }

  /** This module and all below it, by dotted name; a module that occurs twice is listed once. */
  namedModules(prefix = '', seen = new Set<Module>()): [string, Module][] {
    if (seen.has(this)) return [];
    seen.add(this);
    const below = this.namedChildren().flatMap(([name, child]) => child.namedModules(join(prefix, stateName(name)), seen));
    return [[prefix, this], ...below];
  }

  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** The parameters of this module itself. */
  ownParameters(): [string, Tensor][] {
    return Object.entries(this).filter((entry): entry is [string, Tensor] => isParameter(entry[1]));
  }

  /** @internal Puts another tensor in the place of a parameter or buffer of this module itself. Containers override it. */
  setState(property: string, value: Tensor): void {
    Object.assign(this, { [property]: value });
  }

  /** The buffers of this module itself. */
  ownBuffers(persistentOnly = false): [string, Tensor][] {
    return [...this.#buffers].flatMap(([property, persistent]) => {
      const value = (this as unknown as Record<string, unknown>)[property];
      return value instanceof Tensor && (persistent || !persistentOnly) ? [[property, value] as [string, Tensor]] : [];
    });
  }

  /** All parameters by dotted name; one that is shared is listed once. */
  namedParameters(): [string, Tensor][] {
    return this.collect((module) => module.ownParameters());
  }

  parameters(): Tensor[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  namedBuffers(): [string, Tensor][] {
    return this.collect((module) => module.ownBuffers());
  }

  buffers(): Tensor[] {
    return this.namedBuffers().map(([, buffer]) => buffer);
  }

  private collect(own: (module: Module) => [string, Tensor][]): [string, Tensor][] {
    const seen = new Set<Tensor>();
    return this.namedModules().flatMap(([prefix, module]) =>
      own(module).flatMap(([name, tensor]) => {
        if (seen.has(tensor)) return [];
        seen.add(tensor);
        return [[join(prefix, stateName(name)), tensor] as [string, Tensor]];
      }),
    );
  }

  /** Training mode, for this module and all below it. */
  train(mode = true): this {
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** Evaluation mode: `train(false)`. */
  eval(): this {
    return this.train(false);
  }

  /** Turns gradients of all parameters on or off. */
  requiresGrad_(value = true): this {
    for (const parameter of this.parameters()) parameter.tracked = value;
    return this;
  }

  /** Forgets all gradients. */
  zeroGrad(): void {
    effect(() => {
      for (const parameter of this.parameters()) if (parameter.meta !== null) forgetGradient(parameter.meta);
    });
  }

  /** Calls `f` with every module below, then this one. */
  apply(f: (module: Module) => void): this {
    for (const child of this.children()) child.apply(f);
    f(this);
    return this;
  }

  /** Casts parameters and buffers of floating dtype; parameters stay the same tensors, and lose their gradients. */
  to(dtype: DType): this {
    const type = dtypeInfo(dtype);
    for (const module of this.modules()) module.#cast(type);
    return this;
  }

  #cast(type: DTypeInfo): void {
    for (const [, parameter] of this.ownParameters()) castInPlace(parameter, type);
    for (const [property, buffer] of this.ownBuffers()) {
      // A buffer may be a tensor of the user's, such as the weight of a loss: it is replaced, not changed.
      if (isInexact(buffer)) Object.assign(this, { [property]: withGradMode(false, () => cast(buffer, type)) });
    }
  }

  double(): this {
    return this.to('float64');
  }

  float(): this {
    return this.to('float32');
  }

  /** All parameters and persistent buffers by PyTorch's names. The tensors share memory with the module. */
  stateDict(): StateDict {
    const state: StateDict = new Map();
    for (const [prefix, module] of this.allModules()) {
      for (const [name, tensor] of [...module.ownParameters(), ...module.ownBuffers(true)]) {
        const view = new Tensor(tensor.storage, tensor.offset, tensor.shape, tensor.strides, tensor.type, tensor.size, tensor.rowMajor);
        state.set(join(prefix, stateName(name)), view);
      }
    }
    return state;
  }

  /** As `namedModules`, but a shared module is listed under each of its names. */
  private allModules(prefix = ''): [string, Module][] {
    return [[prefix, this], ...this.namedChildren().flatMap(([name, child]) => child.allModules(join(prefix, stateName(name))))];
  }

  /**
   * Copies values into parameters and buffers. Throws ArgumentError that lists missing and unexpected names (unless `strict` is false) and
   * ShapeError for a wrong shape, before anything is changed.
   */
  loadStateDict(state: StateDict | Readonly<Record<string, Tensor>>, options: { readonly strict?: boolean } = {}): LoadResult {
    const given = state instanceof Map ? state : new Map(Object.entries(state));
    const own = this.stateDict();
    const missingKeys = [...own.keys()].filter((name) => !given.has(name));
    const unexpectedKeys = [...given.keys()].filter((name) => !own.has(name));
    if ((options.strict ?? true) && missingKeys.length + unexpectedKeys.length > 0) {
      throw new ArgumentError(
        `loadStateDict: ${this.constructor.name} does not match the state: missing [${missingKeys.join(', ')}], unexpected [${unexpectedKeys.join(', ')}]; pass { strict: false } to load what matches`,
      );
    }
    for (const [name, target] of own) {
      const value: unknown = given.get(name);
      if (value === undefined) continue;
      if (!isTensor(value)) throw new ArgumentError(`loadStateDict: '${name}' must be a tensor, got ${describeValue(value)}`);
      if (formatShape(value.shape) !== formatShape(target.shape)) {
        throw new ShapeError(
          `loadStateDict: '${name}' has shape ${formatShape(target.shape)} in ${this.constructor.name} but ${formatShape(value.shape)} in the state`,
        );
      }
    }
    for (const [name, target] of own) {
      const value = given.get(name);
      if (value !== undefined) copyInto(target, value);
    }
    return { missingKeys, unexpectedKeys };
  }

  /** Calls `hook` with the module, the inputs and the output of each `forward`; what it returns replaces the output. Hooks run in their order. */
  registerForwardHook(hook: ForwardHook<this>): HookHandle {
    return this.#register(this.#forwardHooks, hook as ForwardHook<never>);
  }

  /** Calls `hook` with the module and the inputs before each `forward`; an array that it returns replaces the inputs. Hooks run in their order. */
  registerForwardPreHook(hook: ForwardPreHook<this>): HookHandle {
    return this.#register(this.#forwardPreHooks, hook as ForwardPreHook<never>);
  }

  /**
   * Calls `hook` with the module and the gradients of its outputs in each backward pass, before they pass through it; what it returns replaces them.
   * `forward` must return a tensor or a list.
   */
  registerFullBackwardPreHook(hook: FullBackwardPreHook<this>): HookHandle {
    return this.#register(this.#backwardPreHooks, hook as FullBackwardPreHook<never>);
  }

  /**
   * Calls `hook` with the module and the gradients of its inputs (null for what is no tensor or wants none) and of its outputs in each backward pass
   * through it; what it returns replaces the gradients of the inputs. A second derivative that does not pass through the outputs is none. Inputs
   * must not be written in place inside. Where no input wants a gradient it is called when those of the outputs are there.
   */
  registerFullBackwardHook(hook: FullBackwardHook<this>): HookHandle {
    return this.#register(this.#backwardHooks, hook as FullBackwardHook<never>);
  }

  #register<H>(hooks: Set<{ readonly hook: H }>, hook: H): HookHandle {
    if (typeof hook !== 'function')
      throw new ArgumentError(`${this.constructor.name}: a hook must be a function, got ${describeValue(hook)}`);
    this.#watchForward();
    const entry = { hook };
    hooks.add(entry);
    return { remove: () => void hooks.delete(entry) };
  }

  /** Puts a `forward` of its own in front of the class's, from the first hook on: who has no hooks pays nothing. */
  #watchForward(): void {
    if (this.#watched) return;
    this.#watched = true;
    const self = this as unknown as { forward: Forward };
    const inner = self.forward;
    const outer: Forward = (...given) => {
      let inputs: readonly unknown[] = given;
      for (const { hook } of this.#forwardPreHooks) inputs = hook(this as never, inputs) ?? inputs;
      const watch =
        this.#backwardPreHooks.size + this.#backwardHooks.size > 0
          ? new BackwardWatch(this, this.#backwardPreHooks, this.#backwardHooks)
          : null;
      if (watch !== null) inputs = watch.inputs(inputs);
      let output: unknown = inner.apply(this, inputs as never[]);
      for (const { hook } of this.#forwardHooks) output = hook(this as never, inputs, output) ?? output;
      return watch === null ? output : watch.output(output);
    };
    Object.defineProperty(this, 'forward', { value: outer, configurable: true, writable: true, enumerable: false });
  }

  /** What the printed form says in parentheses. */
  extraRepr(): string {
    return '';
  }

  toString(): string {
    const children = this.namedChildren();
    if (children.length === 0) return `${this.constructor.name}(${this.extraRepr()})`;
    const lines = children.map(([name, child]) => `  (${name}): ${child.toString().replace(/\n/g, '\n  ')}`);
    return `${this.constructor.name}(\n${lines.join('\n')}\n)`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}

function isInexact(x: Tensor): boolean {
  return x.type.isFloat || x.type.isComplex;
}

/** Casts a parameter so that whoever holds it, such as an optimizer, holds the result. */
function castInPlace(parameter: Tensor, type: DTypeInfo): void {
  if (!isInexact(parameter) || parameter.type === type) return;
  const { storage, offset, strides, rowMajor } = withGradMode(false, () => cast(parameter, type));
  Object.assign(parameter, { storage, offset, strides, type, rowMajor });
  if (parameter.meta === null) return;
  parameter.meta.grad = null;
  parameter.meta.accumulator = null;
}
