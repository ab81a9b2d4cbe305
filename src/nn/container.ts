import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { Module } from './module.ts';

/** Anything that maps one tensor to another. */
export interface Layer {
  forward(input: Tensor): Tensor;
}

/**
 * Modules one after the other, each fed with the output of the one before. Children are named by their position.
 *
 * @example
 * const model = new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 2));
 * model.forward(ones([1, 4])).shape; // [1, 2]
 */
export class Sequential extends Module {
  static readonly signature = '...modules';
  readonly #layers: (Module & Layer)[];

  constructor(...layers: (Module & Layer)[]) {
    super();
    layers.forEach((layer, i) => {
      if (!(layer instanceof Module))
        throw new ArgumentError(`Sequential: layer ${i} is not a module; wrap functions in a class that extends Module`);
    });
    this.#layers = layers;
  }

  get length(): number {
    return this.#layers.length;
  }

  /** The layer at a position; negative ones count from the end. */
  at(index: number): (Module & Layer) | undefined {
    return this.#layers.at(index);
  }

  append(layer: Module & Layer): this {
    this.#layers.push(layer);
    return this;
  }

  [Symbol.iterator](): Iterator<Module & Layer> {
    return this.#layers[Symbol.iterator]();
  }

  override namedChildren(): [string, Module][] {
    return this.#layers.map((layer, i) => [String(i), layer]);
  }

  forward(input: Tensor): Tensor {
    return this.#layers.reduce((x, layer) => layer.forward(x), input);
  }
}

/** A list of modules that takes part in `parameters()`. */
export class ModuleList extends Module {
  readonly #modules: Module[];
  constructor(modules: readonly Module[] = []) {
    super();
    this.#modules = [...modules];
  }
  get length(): number {
    return this.#modules.length;
  }
  at(index: number): Module | undefined {
    return this.#modules.at(index);
  }
  append(module: Module): this {
    this.#modules.push(module);
    return this;
  }
  [Symbol.iterator](): Iterator<Module> {
    return this.#modules[Symbol.iterator]();
  }
  override namedChildren(): [string, Module][] {
    return this.#modules.map((module, i) => [String(i), module]);
  }
}
