import { sameShape } from '../shape/shape.ts';
import { isOurs } from './accumulate.ts';
import { dispatch } from './dispatch.ts';
import { indicesOf, shapesOf, typesOf } from './edges.ts';
import { nulls, sharedShapes, sharedTypes, zeros } from './exact.ts';
import type { MapOperator, MapParams, Partial } from './map-operator.ts';
import { mode } from './modes.ts';
import { gradientNode, NO_VERSIONS, NOTHING, Node, nextSequence } from './node.ts';
import type { Tensor } from './tensor.ts';
import { isTracked } from './views.ts';

/** A recorded elementwise call. It saves what the symbolic derivatives read and nothing else. */
export class MapNode extends Node {
  readonly operator: MapOperator;
  readonly params: MapParams;

  constructor(operator: MapOperator, params: MapParams, inputs: readonly Tensor[], result: Tensor) {
    const count = inputs.length;
    const next = nulls<Node>(count);
    let saved: (Tensor | null)[] | null = null;
    let versions: number[] | null = null;
    for (let i = 0; i < count; i++) {
      const input = inputs[i] as Tensor;
      if (!isTracked(input)) continue;
      next[i] = gradientNode(input);
      const partial = operator.partial(i);
      const reads = partial.inputs;
      if (reads.length === 0 && !partial.output) continue;
      saved ??= nulls<Tensor>(count + 1);
      versions ??= zeros(count + 1);
      for (let r = 0; r < reads.length; r++) {
        const k = reads[r] as number;
        const tensor = inputs[k] as Tensor;
        saved[k] = tensor;
        versions[k] = tensor.storage.version;
        if (tensor.storage.version < 0) mode.inference?.refuseSave(operator.name, tensor);
      }
      if (partial.output) {
        saved[count] = result;
        versions[count] = result.storage.version;
        if (result.storage.version < 0) mode.inference?.refuseSave(operator.name, result);
      }
    }
    super(
      nextSequence(),
      next,
      indicesOf(inputs),
      shapesOf(inputs),
      typesOf(inputs),
      sharedShapes(result.shape, 1),
      sharedTypes(result.type, 1),
      saved ?? NOTHING,
      versions ?? NO_VERSIONS,
    );
    this.operator = operator;
    this.params = params;
    if (saved !== null && mode.saving !== null) mode.saving.pack(this);
  }

  get name(): string {
    return this.operator.backwardName;
  }
  override get operatorName(): string {
    return this.operator.name;
  }

  run(grads: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    const g = grads[0] as Tensor | null;
    if (g === null) return [];
    const count = this.next.length;
    const results = nulls<Tensor>(count);
    const last = isOurs(g) ? this.lastDerivative(g) : -1;
    for (let i = 0; i < count; i++) if (this.next[i] !== null) results[i] = this.gradient(i, g, i === last);
    return results;
  }

  /** The input whose gradient, computed last, may be written where `g` lies, which nobody else holds; -1 for none. */
  private lastDerivative(g: Tensor): number {
    if (!g.rowMajor || mode.grad || mode.interpreters !== 0 || mode.observer !== null || this.postHooks !== null) return -1;
    if (g.type !== this.params.compute || !sameShape(g.shape, this.outputShapes[0] as readonly number[])) return -1;
    let last = -1;
    for (let i = 0; i < this.next.length; i++) {
      if (this.next[i] === null) continue;
      if (this.operator.partial(i).operator === null) return -1;
      last = i;
    }
    return last;
  }

  private gradient(index: number, g: Tensor, inPlace: boolean): Tensor {
    const partial = this.operator.partial(index);
    if (partial.operator === null) return g;
    const operands = this.operands(g, partial);
    if (inPlace) {
      partial.operator.forwardInto(g, operands, this.params);
      return g;
    }
    if (mode.grad || mode.interpreters !== 0) return dispatch.apply(partial.operator as never, operands, this.params as never) as Tensor;
    return partial.operator.forward(operands, this.params);
  }

  /** What a derivative reads, the cotangent first. */
  operands(g: Tensor, { inputs, output }: Partial): Tensor[] {
    const operands = nulls<Tensor>(inputs.length + (output ? 2 : 1)) as Tensor[];
    operands[0] = g;
    for (let i = 0; i < inputs.length; i++) operands[i + 1] = this.unpack(inputs[i] as number);
    if (output) operands[inputs.length + 1] = this.unpack(this.next.length);
    return operands;
  }
}
