/** The cross entropy of rows of logits against class indices, and its gradient: what concerns all elements is a row program, what concerns one a loop here. */
import { ROWS_OF_A_SUM } from '../../kernel/rows.ts';
import { heapOf } from '../../runtime/elements.ts';
import { allocate, beginLaunch, release } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import * as S from '../../scalar/expr.ts';
import { expOfRest } from '../../scalar/row-functions.ts';
import { addressOfView, readInt64 } from './host.ts';
import { requireInRange } from './indexed.ts';
import { RowProgram, runRows } from './rows.ts';

/** [x, logarithm of the sum of exponentials, room for a row]. */
const LOG_SUMS = new RowProgram(['row', 'each', 'sum'], 0, () => [
  { reduce: [['max', S.arg(0)]] },
  { store: [[2, expOfRest(S.sub(S.arg(0), S.arg(3)))]] },
  { reduce: [['sum', S.arg(2)]] },
  { store: [[1, S.add(S.arg(3), S.log(S.arg(4)))]] },
]);
/** [x, logarithm, class, gradient], the share of each row, the class that does not count. */
const GRADIENT = new RowProgram(['row', 'each', 'each', 'row'], 2, () => [
  { store: [[3, S.mul(S.select(S.ne(S.arg(2), S.param(1)), S.param(0), 0), expOfRest(S.sub(S.arg(0), S.arg(1))))]] },
]);

/** log(sum(exp(x))) of each row, as many as there are results. */
function logSums(out: View, x: View): void {
  const length = x.size / out.size;
  const size = Math.ceil(out.size / ROWS_OF_A_SUM) * length;
  const scratch = allocate(size * x.type.itemsize);
  const row: View = { storage: scratch, offset: 0, shape: x.shape, strides: x.strides, type: x.type, size, rowMajor: true };
  runRows(LOG_SUMS, out.size, length, [x, out, row], []);
  release(scratch);
}

/**
 * `loss`: the sum, or the mean, of `logSums[row] - x[row, class]` over the rows whose class is not `ignored`; `count`: how many these are.
 * Throws IndexError for a class that is none.
 */
export function crossEntropy(
  name: string,
  loss: View,
  logarithms: View,
  count: View,
  x: View,
  target: View,
  { dim, ignored, mean }: { readonly dim: number; readonly ignored: number; readonly mean: boolean },
): void {
  const length = x.size / logarithms.size;
  logSums(logarithms, x);
  beginLaunch();
  const { itemsize } = x.type;
  const values = heapOf(x.type.name) as Float64Array;
  const classAt = addressOfView(target);
  const at = addressOfView(x) / itemsize;
  const logarithmAt = addressOfView(logarithms) / itemsize;
  let sum = 0;
  let counted = 0;
  for (let row = 0; row < logarithms.size; row++) {
    const k = readInt64(classAt + 8 * row);
    if (k === ignored) continue;
    if (!(k >= 0 && k < length)) requireInRange(name, { index: target, size: length, wrap: false, stride: 1, dim }, Float64Array.of(k));
    sum += (values[logarithmAt + row] as number) - (values[at + row * length + k] as number);
    counted++;
  }
  values[addressOfView(loss) / itemsize] = mean ? sum / counted : sum;
  values[addressOfView(count) / itemsize] = counted;
}

/** The gradient of the loss with respect to x, times `g`: the softmax of each row that counts, less 1 at its class. `count`: what `g` is divided by. */
export function crossEntropyGradient(
  gradient: View,
  g: View,
  x: View,
  target: View,
  logarithms: View,
  count: View | null,
  ignored: number,
): void {
  const length = x.size / logarithms.size;
  const { itemsize } = x.type;
  beginLaunch();
  const values = heapOf(x.type.name) as Float64Array;
  const read = (view: View): number => values[addressOfView(view) / itemsize] as number;
  const share = count === null ? read(g) : read(g) / read(count);
  runRows(GRADIENT, logarithms.size, length, [x, logarithms, target, gradient], [share, ignored]);
  const classAt = addressOfView(target);
  const at = addressOfView(gradient) / itemsize;
  for (let row = 0; row < logarithms.size; row++) {
    const k = readInt64(classAt + 8 * row);
    if (k !== ignored) (values[at + row * length + k] as number) -= share;
  }
}
