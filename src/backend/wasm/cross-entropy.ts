/** The cross entropy of rows of logits against class indices, and its gradient: what concerns all elements is a row program, what concerns one a loop here. */
import { ROWS_OF_A_SUM } from '../../kernel/rows.ts';
import { heapOf } from '../../runtime/elements.ts';
import { allocate, beginLaunch, release } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import * as S from '../../scalar/expr.ts';
import { expOfRest, shareOf } from '../../scalar/row-functions.ts';
import { addressOfView, readInt64 } from './host.ts';
import { requireInRange } from './indexed.ts';
import { RowProgram, runRows } from './rows.ts';

/** [x, logarithm of the sum of exponentials, maximum, what the logarithm is above the maximum, room for a row]. */
const LOG_SUMS = new RowProgram(['row', 'each', 'each', 'each', 'sum'], 0, () => [
  { reduce: [['max', S.arg(0)]] },
  { store: [[4, expOfRest(S.sub(S.arg(0), S.arg(5)))]] },
  { reduce: [['sum', S.arg(4)]] },
  {
    store: [
      [1, S.add(S.arg(5), S.log(S.arg(6)))],
      [2, S.arg(5)],
      [3, S.log(S.arg(6))],
    ],
  },
]);
/** [x, class, gradient], the share of each row, the class that does not count: the softmax anew, since a logarithm that holds a large maximum has few digits left for it. */
const GRADIENT = new RowProgram(['row', 'each', 'row'], 2, () => [
  { reduce: [['max', S.arg(0)]] },
  { store: [[2, expOfRest(S.sub(S.arg(0), S.arg(3)))]] },
  { reduce: [['sum', S.arg(2)]] },
  { store: [[2, S.mul(S.select(S.ne(S.arg(1), S.param(1)), S.param(0), 0), shareOf(S.arg(2), S.arg(4)))]] },
]);

/** log(sum(exp(x))) of each row, as many as there are results; the maxima, and how far the logarithms are above them. */
function logSums([out, largest, above]: readonly [View, View, View], x: View): void {
  const length = x.size / out.size;
  const row = roomLike(x, Math.ceil(out.size / ROWS_OF_A_SUM) * length);
  runRows(LOG_SUMS, out.size, length, [x, out, largest, above, row], []);
  release(row.storage);
}

/** Memory for so many elements like those of a view. */
function roomLike({ shape, strides, type }: View, size: number): View {
  return { storage: allocate(size * type.itemsize), offset: 0, shape, strides, type, size, rowMajor: true };
}

/**
 * `loss`: the sum, or the mean, of `logarithms[row] - x[row, class]` over the rows whose class is not `ignored`; `count`: how many these are.
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
  const { size } = logarithms;
  const [largest, above] = [roomLike(logarithms, size), roomLike(logarithms, size)];
  try {
    logSums([logarithms, largest, above], x);
    beginLaunch();
    const length = x.size / size;
    const { itemsize } = x.type;
    const values = heapOf(x.type.name) as Float64Array;
    const classAt = addressOfView(target);
    const [at, largestAt, aboveAt] = [x, largest, above].map((view) => addressOfView(view) / itemsize) as [number, number, number];
    let sum = 0;
    let counted = 0;
    for (let row = 0; row < size; row++) {
      const k = readInt64(classAt + 8 * row);
      if (k === ignored) continue;
      if (!(k >= 0 && k < length)) requireInRange(name, { index: target, size: length, wrap: false, stride: 1, dim }, Float64Array.of(k));
      sum += (values[aboveAt + row] as number) + ((values[largestAt + row] as number) - (values[at + row * length + k] as number));
      counted++;
    }
    values[addressOfView(loss) / itemsize] = mean ? sum / counted : sum;
    values[addressOfView(count) / itemsize] = counted;
  } finally {
    release(largest.storage);
    release(above.storage);
  }
}

/** The gradient of the loss with respect to x, times `g`: the softmax of each row that counts, less 1 at its class. `count`: what `g` is divided by. */
export function crossEntropyGradient(gradient: View, g: View, x: View, target: View, count: View | null, ignored: number): void {
  const length = x.size / target.size;
  const { itemsize } = x.type;
  beginLaunch();
  const values = heapOf(x.type.name) as Float64Array;
  const read = (view: View): number => values[addressOfView(view) / itemsize] as number;
  const share = count === null ? read(g) : read(g) / read(count);
  runRows(GRADIENT, target.size, length, [x, target, gradient], [share, ignored]);
  const classAt = addressOfView(target);
  const at = addressOfView(gradient) / itemsize;
  for (let row = 0; row < target.size; row++) {
    const k = readInt64(classAt + 8 * row);
    if (k !== ignored) (values[at + row * length + k] as number) -= share;
  }
}
