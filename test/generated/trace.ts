/** Which operators a call is made of, seen by an interpreter that only looks. */
import type { Operator } from '../../src/op/contract.ts';
import { apply } from '../../src/tensor/apply.ts';
import { overwriteWith } from '../../src/tensor/inplace.ts';
import type { Interpreter, Tensor, Wrapped } from '../../src/tensor/tensor.ts';
import { outputsOf, withInterpreter, wrapHandle } from '../../src/transform/interpret.ts';

type AnyOperator = Operator<Tensor, never>;

/** One operator that ran, with its plain inputs; composites come before what they are made of. */
export interface Traced {
  readonly operator: AnyOperator;
  readonly inputs: readonly Tensor[];
  readonly params: unknown;
  /** The plain results of an operator that is no composite. */
  readonly outputs: readonly Tensor[] | null;
}

interface Seen extends Wrapped {
  readonly value: Tensor;
}

class Tracer implements Interpreter {
  readonly level: number;
  readonly seen: Traced[] = [];
  constructor(level: number) {
    this.level = level;
  }

  wrap(value: Tensor): Tensor {
    const seen: Seen = { level: this.level, interpreter: this, value };
    return wrapHandle(value, seen);
  }

  readonly ended = false;

  write(name: string, target: Tensor, result: Tensor): void {
    overwriteWith(name, this.valueOf(target), this.valueOf(result));
  }

  /** Views are of wrapped tensors or of plain ones throughout: nothing becomes wrapped later. */
  join(): void {}

  settle(): void {}

  shown(x: Tensor): { primal: Tensor; tangent: null } {
    return { primal: this.valueOf(x), tangent: null };
  }

  private valueOf(x: Tensor): Tensor {
    return x.wrapped?.interpreter === this ? (x.wrapped as Seen).value : x;
  }

  process(operator: AnyOperator, inputs: readonly Tensor[], params: unknown): Tensor | Tensor[] {
    const values = inputs.map((x) => this.valueOf(x));
    if (operator.composite) {
      this.seen.push({ operator, inputs: values, params, outputs: null });
      return operator.forward(inputs, params as never);
    }
    const result = apply(operator, values, params as never);
    this.seen.push({ operator, inputs: values, params, outputs: outputsOf(result) });
    return Array.isArray(result) ? result.map((y) => this.wrap(y)) : this.wrap(result as Tensor);
  }
}

/** Runs `body` on wrapped tensors and tells what ran. */
export function trace(tensors: readonly Tensor[], body: (wrapped: Tensor[]) => unknown): Traced[] {
  return withInterpreter((level) => {
    const tracer = new Tracer(level);
    body(tensors.map((x) => tracer.wrap(x)));
    return tracer.seen;
  });
}
