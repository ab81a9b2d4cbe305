import type { DType } from '../dtype/dtype.ts';
import type { Apply, Ok, Shape, ShapeFunction, Show, UnknownFunction } from '../shape/types.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { Layer, type UnaryModule } from './layer.ts';
import { Module } from './module.ts';
import { isParameter } from './parameter.ts';

/** The function of a module by the signature of its `forward`. */
interface SignatureFunction<A extends Shape, B> extends ShapeFunction {
  readonly out: this['in'] extends infer S extends Shape
    ? Tensor<S> extends Tensor<A>
      ? Ok<B>
      : `expected ${Show<A>}, got ${Show<S>}`
    : never;
}
type FunctionOf<M> =
  M extends Layer<infer F>
    ? F
    : M extends { forward(input: Tensor<infer A, DType>): Tensor<infer B, DType> }
      ? SignatureFunction<A, B>
      : UnknownFunction;
/** A shape through a list of modules. */
type Chain<L extends readonly unknown[], S> = number extends L['length']
  ? Ok<number[]>
  : L extends readonly [infer M, ...infer R]
    ? Apply<FunctionOf<M>, S> extends infer O
      ? O extends Ok<infer X>
        ? Chain<R, X>
        : O
      : never
    : Ok<S>;
/** The same at construction: the module that does not accept what comes before it becomes a message that says which it is. */
type CheckChain<L extends readonly unknown[], S, R extends unknown[] = []> = number extends L['length']
  ? L
  : L extends readonly [infer M, ...infer Rest]
    ? Apply<FunctionOf<M>, S> extends infer O
      ? [O] extends [never]
        ? CheckChain<Rest, number[], [...R, unknown]>
        : O extends Ok<infer X>
          ? CheckChain<Rest, X, [...R, unknown]>
          : [...R, `layer ${R['length']}: ${O & string}`, ...{ [K in keyof Rest]: unknown }]
      : never
    : R;
/** What becomes of a shape in modules one after the other. */
export interface SequentialFunction<L extends readonly unknown[]> extends ShapeFunction {
  readonly out: this['in'] extends infer S ? Chain<L, S> : never;
}

/**
 * Modules one after the other, each fed with the output of the one before. Children are named by their position. Where shapes are known, a layer that
 * does not fit the one before it does not compile. Throws ArgumentError for what is not a module.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 2));
 * model.forward(ones([1, 4])).shape; // [1, 2]
 */
// biome-ignore lint/suspicious/noExplicitAny: a Sequential of which nothing is known must take any other
export class Sequential<const L extends readonly UnaryModule[] = any> extends Layer<SequentialFunction<L>> {
  static readonly signature: string = '...modules';
  readonly #layers: UnaryModule[];

  constructor(...layers: L extends CheckChain<L, number[]> ? L : CheckChain<L, number[]>) {
    super();
    const given = layers as readonly UnaryModule[];
    given.forEach((layer, i) => {
      requireModule('Sequential', `layer ${i}`, layer);
    });
    this.#layers = [...given];
  }

  get length(): number {
    return this.#layers.length;
  }

  /** The layer at a position; negative ones count from the end. */
  at(index: number): UnaryModule | undefined {
    return this.#layers.at(index);
  }

  append(layer: UnaryModule): this {
    requireModule('Sequential', `layer ${this.length}`, layer);
    this.#layers.push(layer);
    return this;
  }

  [Symbol.iterator](): Iterator<UnaryModule> {
    return this.#layers[Symbol.iterator]();
  }

  override namedChildren(): [string, Module][] {
    return this.#layers.map((layer, i) => [String(i), layer]);
  }

  protected override run(input: Tensor): Tensor {
    let x = input;
    for (const layer of this.#layers) x = layer.forward(x);
    return x;
  }
}

function requireModule(name: string, what: string, value: unknown): void {
  if (!(value instanceof Module))
    throw new ArgumentError(`${name}: ${what} is not a module; wrap functions in a class that extends Module`);
}

/**
 * A list of modules that takes part in `parameters()`; what it does is up to its owner. Throws ArgumentError for what is not a module.
 *
 * @example
 * const heads = new nn.ModuleList([new nn.Linear(2, 3), new nn.Linear(2, 3)]);
 * heads.parameters().length; // 4
 */
export class ModuleList<M extends Module = Module> extends Module {
  static readonly signature: string = 'modules?';
  readonly #modules: M[] = [];

  constructor(modules: Iterable<M> = []) {
    super();
    this.extend(modules);
  }

  get length(): number {
    return this.#modules.length;
  }

  /** The module at a position; negative ones count from the end. */
  at(index: number): M | undefined {
    return this.#modules.at(index);
  }

  append(module: M): this {
    requireModule('ModuleList', `entry ${this.length}`, module);
    this.#modules.push(module);
    return this;
  }

  extend(modules: Iterable<M>): this {
    for (const module of modules) this.append(module);
    return this;
  }

  [Symbol.iterator](): Iterator<M> {
    return this.#modules[Symbol.iterator]();
  }

  override namedChildren(): [string, Module][] {
    return this.#modules.map((module, i) => [String(i), module]);
  }
}

/**
 * Modules by name that take part in `parameters()`. Throws ArgumentError for what is not a module.
 *
 * @example
 * const heads = new nn.ModuleDict({ left: new nn.Linear(2, 3), right: new nn.Linear(2, 3) });
 * heads.namedParameters()[0][0]; // 'left.weight'
 */
export class ModuleDict<M extends Module = Module> extends Module {
  static readonly signature: string = 'modules?';
  readonly #modules = new Map<string, M>();

  constructor(modules: Readonly<Record<string, M>> | Iterable<readonly [string, M]> = {}) {
    super();
    for (const [name, module] of entriesOf(modules)) this.set(name, module);
  }

  get size(): number {
    return this.#modules.size;
  }

  get(name: string): M | undefined {
    return this.#modules.get(name);
  }

  set(name: string, module: M): this {
    requireModule('ModuleDict', `'${name}'`, module);
    this.#modules.set(name, module);
    return this;
  }

  has(name: string): boolean {
    return this.#modules.has(name);
  }

  delete(name: string): boolean {
    return this.#modules.delete(name);
  }

  keys(): IterableIterator<string> {
    return this.#modules.keys();
  }

  [Symbol.iterator](): Iterator<[string, M]> {
    return this.#modules.entries();
  }

  override namedChildren(): [string, Module][] {
    return [...this.#modules];
  }
}

function entriesOf<T>(given: Readonly<Record<string, T>> | Iterable<readonly [string, T]>): Iterable<readonly [string, T]> {
  return Symbol.iterator in given ? (given as Iterable<readonly [string, T]>) : Object.entries(given as Readonly<Record<string, T>>);
}

/**
 * A list of parameters. Throws ArgumentError for what is not a parameter.
 *
 * @example
 * new nn.ParameterList([new nn.Parameter(ones([2])), new nn.Parameter(ones([3]))]).parameters().length; // 2
 */
export class ParameterList extends Module {
  static readonly signature: string = 'values?';
  readonly #parameters: Tensor[] = [];

  constructor(parameters: Iterable<Tensor> = []) {
    super();
    for (const parameter of parameters) this.append(parameter);
  }

  get length(): number {
    return this.#parameters.length;
  }

  at(index: number): Tensor | undefined {
    return this.#parameters.at(index);
  }

  append(parameter: Tensor): this {
    if (!isParameter(parameter))
      throw new ArgumentError(`ParameterList: entry ${this.length} is not a parameter; wrap it in new Parameter(…)`);
    this.#parameters.push(parameter);
    return this;
  }

  [Symbol.iterator](): Iterator<Tensor> {
    return this.#parameters[Symbol.iterator]();
  }

  override ownParameters(): [string, Tensor][] {
    return this.#parameters.map((parameter, i) => [String(i), parameter]);
  }

  override setState(property: string, value: Tensor): void {
    this.#parameters[Number(property)] = value;
  }
}
