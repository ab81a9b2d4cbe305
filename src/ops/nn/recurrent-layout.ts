/** How the tensors of recurrent layers lie where kernels run whole layers. */
import { type DTypeInfo, FLOAT32 } from '../../dtype/dtype.ts';
import { backend } from '../../runtime/backend.ts';
import * as S from '../../scalar/expr.ts';
import { IDENTITY } from '../../tensor/identity.ts';
import type { MapOperator } from '../../tensor/map-operator.ts';
import { type Tensor, viewOf } from '../../tensor/tensor.ts';
import { emptyTensor } from '../create.ts';
import { cloneOperator } from '../structural.ts';
import type { CellStep, RecurrentCell } from './recurrent-kernels.ts';

/** Whether there are kernels for these states. */
export function isWhole(type: DTypeInfo, size: number, batch: number): boolean {
  return type === FLOAT32 && size % 4 === 0 && size > 0 && batch > 0;
}

/** What an elementwise operator computes, of these expressions. */
export function expressionOf(map: MapOperator, ...operands: readonly S.Expr[]): S.Expr {
  return S.substitute(map.program.expr, operands);
}

/** A step of a unit with so many operands: `build` gets them, and says what is written to which of them, one after the other. */
export function cellStep(
  operands: number,
  build: (operands: readonly S.Expr[]) => readonly (readonly [operand: number, value: S.Expr])[],
): CellStep {
  return { operands, writes: build(Array.from({ length: operands }, (_, k) => S.arg(k))) };
}

/** A unit whose expressions are built at its first use. */
export function lazily(build: () => RecurrentCell): () => RecurrentCell {
  let made: RecurrentCell | null = null;
  return () => {
    made ??= build();
    return made;
  };
}

/** In row-major order. */
export function inRows(x: Tensor): Tensor {
  return x.rowMajor ? x : (cloneOperator.forward([x], null) as Tensor);
}

/** With its last dimension in a run of memory. */
export function withColumns(x: Tensor): Tensor {
  return x.strides[x.ndim - 1] === 1 ? x : (cloneOperator.forward([x], null) as Tensor);
}

/** Views of columns, of so many times `size` each. */
export function partsOf(whole: Tensor, size: number, counts: readonly number[]): Tensor[] {
  let from = whole.offset;
  return counts.map((count) => {
    from += count * size;
    return viewOf(whole, [...whole.shape.slice(0, -1), count * size], whole.strides, from - count * size);
  });
}

/** The tensor that `parts` are the columns of, one behind the other; null if they are not. */
export function wholeOf(parts: readonly Tensor[]): Tensor | null {
  const [first] = parts as [Tensor];
  const [steps, batch] = first.shape as [number, number];
  const columns = parts.reduce((sum, part) => sum + (part.shape[2] as number), 0);
  let from = first.offset;
  for (const part of parts) {
    if (part.storage !== first.storage || part.offset !== from || part.strides[2] !== 1) return null;
    if (part.strides[1] !== columns || part.strides[0] !== batch * columns) return null;
    from += part.shape[2] as number;
  }
  const strides = [batch * columns, columns, 1];
  return viewOf(first, [steps, batch, columns], strides, first.offset);
}

/** The gradient of a hidden weight: gradients of products [T, N, G] times the states before them, as one product over all steps. */
export function weightGradientOf(ofProducts: Tensor, states: Tensor, first: Tensor, reverse: boolean): Tensor {
  const [steps, batch, gates] = ofProducts.shape as [number, number, number];
  const size = states.shape[2] as number;
  const count = steps * batch;
  const before = emptyTensor([count, size], states.type);
  const rows = (x: Tensor, from: number, rowCount: number): Tensor => viewOf(x, [rowCount, size], [size, 1], x.offset + from * size);
  const copy = (to: Tensor, from: Tensor): void => backend().map(IDENTITY.program, to, [from], [], to.type);
  const rest = inRows(states);
  copy(rows(before, reverse ? count - batch : 0, batch), first);
  if (steps > 1) copy(rows(before, reverse ? 0 : batch, count - batch), rows(rest, reverse ? batch : 0, count - batch));
  const result = emptyTensor([gates, size], states.type);
  backend().matmul(result, viewOf(ofProducts, [gates, count], [1, gates], ofProducts.offset), before);
  return result;
}
