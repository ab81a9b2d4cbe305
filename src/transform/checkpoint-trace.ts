import type { Operator } from '../op/contract.ts';
import { formatShape } from '../shape/shape.ts';
import { perform } from '../tensor/apply.ts';
import { mode } from '../tensor/modes.ts';
import type { Node } from '../tensor/node.ts';
import type { Observer } from '../tensor/observer.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Hands everything on to the observer around it, or to the engine. */
export class PassingObserver implements Observer {
  protected readonly outer: Observer | null = mode.observer;

  apply(operator: Operator<Tensor, never>, inputs: readonly Tensor[], params: never): Tensor | Tensor[] {
    return this.outer === null ? perform(operator, inputs, params) : this.outer.apply(operator, inputs, params);
  }

  write(name: string, target: Tensor, write: () => Tensor): Tensor {
    return this.outer === null ? write() : this.outer.write(name, target, write);
  }

  call<R>(name: string, pure: boolean, inputs: readonly Tensor[], forward: () => R): R {
    return this.outer === null ? forward() : this.outer.call(name, pure, inputs, forward);
  }

  visit(node: Node, grads: readonly (Tensor | null)[], keep: boolean): readonly (Tensor | null)[] {
    return this.outer === null ? node.run(grads, keep) : this.outer.visit(node, grads, keep);
  }
}

/** Runs `body` under an observer. */
export function observed<R>(observer: Observer, body: () => R): R {
  const before = mode.observer;
  mode.observer = observer;
  try {
    return body();
  } finally {
    mode.observer = before;
  }
}

class Listing extends PassingObserver {
  readonly #lines: string[];
  #depth = 0;

  constructor(lines: string[]) {
    super();
    this.#lines = lines;
  }

  override apply(operator: Operator<Tensor, never>, inputs: readonly Tensor[], params: never): Tensor | Tensor[] {
    return this.#noted(operator.name, inputs, () => super.apply(operator, inputs, params));
  }

  override write(name: string, target: Tensor, write: () => Tensor): Tensor {
    return this.#noted(name, [target], () => super.write(name, target, write));
  }

  override call<R>(name: string, pure: boolean, inputs: readonly Tensor[], forward: () => R): R {
    return this.#noted(name, inputs, () => super.call(name, pure, inputs, forward));
  }

  #noted<R>(name: string, inputs: readonly Tensor[], body: () => R): R {
    const operands = inputs.map((x) => `${x.type.name}${formatShape(x.shape)}`).join(', ');
    this.#lines.push(`${'  '.repeat(this.#depth)}${name}(${operands})`);
    this.#depth += 1;
    try {
      return body();
    } finally {
      this.#depth -= 1;
    }
  }
}

/** Runs `body` and writes down its operators, those inside others indented. */
export function listOperators<R>(lines: string[], body: () => R): R {
  return observed(new Listing(lines), body);
}
