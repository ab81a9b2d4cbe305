import type { DTypeInfo } from '../dtype/dtype.ts';
import { AutogradError } from '../util/errors.ts';
import { dispatch } from './dispatch.ts';
import type { MapOperator, MapParams } from './map-operator.ts';
import { staleSaveMessage } from './messages.ts';
import { mode } from './modes.ts';
import { gradientNode, Node, nextSequence } from './node.ts';
import type { Tensor } from './tensor.ts';
import { isTracked } from './views.ts';

/** A recorded elementwise call. It saves what the symbolic derivatives read and nothing else. */
export class MapNode extends Node {
  readonly operator: MapOperator;
  readonly params: MapParams;
  /** Inputs by index (null where nothing reads them), then the output. */
  saved: (Tensor | null)[];
  readonly versions: number[];

  constructor(operator: MapOperator, params: MapParams, inputs: readonly Tensor[], result: Tensor) {
    const count = inputs.length;
    const next: (Node | null)[] = [];
    const nextIndex: number[] = [];
    const shapes: (readonly number[])[] = [];
    const types: DTypeInfo[] = [];
    const saved: (Tensor | null)[] = [];
    const versions: number[] = [];
    for (let i = 0; i <= count; i++) {
      saved.push(null);
      versions.push(0);
    }
    for (let i = 0; i < count; i++) {
      const input = inputs[i] as Tensor;
      shapes.push(input.shape);
      types.push(input.type);
      nextIndex.push(input.outputIndex);
      if (!isTracked(input) || !(input.type.isFloat || input.type.isComplex)) {
        next.push(null);
        continue;
      }
      next.push(gradientNode(input));
      const partial = operator.partial(i);
      if (partial === null) continue;
      for (const k of partial.inputs) {
        const read = inputs[k] as Tensor;
        saved[k] = read;
        versions[k] = read.storage.version;
      }
      if (partial.output) {
        saved[count] = result;
        versions[count] = result.storage.version;
      }
    }
    super(nextSequence(), next, nextIndex, shapes, types, [result.shape], [result.type]);
    this.operator = operator;
    this.params = params;
    this.saved = saved;
    this.versions = versions;
  }

  get name(): string {
    return this.operator.backwardName;
  }

  run(grads: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    const g = grads[0];
    if (g === null || g === undefined) return [];
    const results: (Tensor | null)[] = [];
    for (let i = 0; i < this.next.length; i++) results.push(this.next[i] === null ? null : this.gradient(i, g));
    return results;
  }

  private gradient(index: number, g: Tensor): Tensor | null {
    const partial = this.operator.partial(index);
    if (partial === null) return null;
    if (partial.operator === null) return g;
    const operands: Tensor[] = [g];
    for (const k of partial.inputs) operands.push(this.unpack(k, 'input'));
    if (partial.output) operands.push(this.unpack(this.next.length, 'output'));
    if (mode.grad || mode.interpreters !== 0) return dispatch.apply(partial.operator as never, operands, this.params as never) as Tensor;
    return partial.operator.forward(operands, this.params);
  }

  private unpack(slot: number, role: 'input' | 'output'): Tensor {
    const saved = this.saved[slot];
    if (saved === null || saved === undefined) {
      throw new AutogradError(
        `${this.name}: what it saved was freed by an earlier backward(); pass { retainGraph: true } to the first call to go through the graph again`,
      );
    }
    if (saved.storage.version !== this.versions[slot]) {
      throw new AutogradError(
        staleSaveMessage(this.operator.name, this, saved, role, role === 'input' ? slot : 0, this.versions[slot] ?? 0),
      );
    }
    return saved;
  }

  override savedTensors(): readonly Tensor[] {
    return this.saved.filter((x): x is Tensor => x !== null);
  }

  override release(): void {
    this.released = true;
    this.saved = [];
  }
}
