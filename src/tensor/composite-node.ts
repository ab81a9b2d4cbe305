import type { DTypeInfo } from '../dtype/dtype.ts';
import { AutogradError } from '../util/errors.ts';
import { addEdge, edgeOf, type GradientEdge } from './edges.ts';
import { gradients } from './engine.ts';
import { mode, withGradMode } from './modes.ts';
import { type AnyOperator, Node, nextSequence } from './node.ts';
import type { Tensor } from './tensor.ts';

/** A composite operator recorded as one node around an inner tape. */
export class CompositeNode extends Node {
  readonly operator: AnyOperator;
  readonly params: unknown;
  private inputs: readonly Tensor[];
  private readonly versions: readonly number[];
  private leaves: readonly Tensor[];
  private outputs: readonly Tensor[];

  constructor(operator: AnyOperator, params: unknown, inputs: readonly Tensor[], leaves: readonly Tensor[], outputs: readonly Tensor[]) {
    const next: (Node | null)[] = [];
    const nextIndex: number[] = [];
    const shapes: (readonly number[])[] = [];
    const types: DTypeInfo[] = [];
    for (const input of inputs) addEdge(input, next, nextIndex, shapes, types);
    super(
      nextSequence(),
      next,
      nextIndex,
      shapes,
      types,
      outputs.map((x) => x.shape),
      outputs.map((x) => x.type),
    );
    this.operator = operator;
    this.params = params;
    this.inputs = inputs;
    this.versions = inputs.map((x) => x.storage.version);
    this.leaves = leaves;
    this.outputs = outputs;
  }

  get name(): string {
    return this.operator.backwardName;
  }

  run(grads: readonly (Tensor | null)[], keep: boolean): readonly (Tensor | null)[] {
    if (this.released) {
      throw new AutogradError(
        `${this.name}: what it saved was freed by an earlier backward(); pass { retainGraph: true } to the first call to go through the graph again`,
      );
    }
    const again = mode.grad || mode.interpreters !== 0;
    const inputs = again ? this.inputs : this.leaves;
    const outputs = again ? this.recomposed() : this.outputs;
    const wanted = inputs.filter((_, i) => this.next[i] !== null).map((input) => edgeOf(input) as GradientEdge);
    const roots: GradientEdge[] = [];
    const seeds: Tensor[] = [];
    grads.forEach((g, i) => {
      const root = edgeOf(outputs[i] as Tensor);
      if (g === null || root === null) return;
      roots.push(root);
      seeds.push(g);
    });
    if (roots.length === 0) return [];
    const found = gradients(roots, seeds, wanted, { keepGraph: keep || again, createGraph: mode.grad });
    let k = 0;
    return inputs.map((_, i) => (this.next[i] === null ? null : (found[k++] ?? null)));
  }

  /** The outputs composed anew on the real inputs, so that their gradient is itself connected to the graph. */
  private recomposed(): readonly Tensor[] {
    this.inputs.forEach((input, i) => {
      if (input.storage.version !== this.versions[i]) {
        throw new AutogradError(
          `${this.operator.name}: its second derivative reads input ${i}, which was changed in place after it was used` +
            `${input.storage.writer === null ? '' : ` (last by ${input.storage.writer})`}. Use the functional form, or clone() it first.`,
        );
      }
    });
    const result = withGradMode(true, () => this.operator.forward(this.inputs, this.params));
    return Array.isArray(result) ? result : [result];
  }

  override savedTensors(): readonly Tensor[] {
    const inner = this.outputs.flatMap((output) => (output.node === null ? [] : [...reachable(output.node)]));
    return [...this.inputs, ...this.leaves, ...this.outputs, ...inner.flatMap((node) => node.savedTensors())];
  }

  override release(): void {
    this.released = true;
    this.inputs = [];
    this.leaves = [];
    this.outputs = [];
  }
}

function reachable(root: Node): Set<Node> {
  const found = new Set([root]);
  for (const node of found) for (const next of node.next) if (next !== null) found.add(next);
  return found;
}
