import { BFLOAT16, type DTypeInfo, FLOAT16, FLOAT32, FLOAT64, INT32, INT64 } from '../../dtype/dtype.ts';
import type { Operator } from '../../op/contract.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { emptyTensor } from '../create.ts';
import { makeOperator } from '../family.ts';
import { castOperator, cloneOperator } from '../structural.ts';
import { resample as launch, type Taps } from './window-kernels.ts';

/** Sums of weighted elements along one dimension: averages over windows, and interpolation, are made of them. */

export interface ResampleParams {
  readonly dim: number;
  readonly taps: Taps;
}

/** What a dtype is computed in: half types in float32, small integers in int32. */
function computeInfo(type: DTypeInfo): DTypeInfo {
  if (type === FLOAT16 || type === BFLOAT16) return FLOAT32;
  return type === FLOAT32 || type === FLOAT64 || type === INT64 ? type : INT32;
}

/** The smallest integer dtypes and half types go through a wider one. */
export function inWiderType(x: Tensor, run: (x: Tensor) => Tensor): Tensor {
  const wide = computeInfo(x.type);
  if (wide === x.type) return run(x);
  return castOperator.forward([run(castOperator.forward([x], wide) as Tensor)], x.type) as Tensor;
}

const resampleOperator: Operator<Tensor, ResampleParams> = makeOperator<ResampleParams>({
  name: 'resample',
  forward: ([x], { dim, taps }) =>
    inWiderType(x as Tensor, (wide) => {
      const source = wide.rowMajor ? wide : (cloneOperator.forward([wide], null) as Tensor);
      const shape = [...source.shape];
      shape[dim] = taps.starts.length - 1;
      const result = emptyTensor(shape, source.type);
      launch(
        result,
        source,
        shape.slice(dim + 1).reduce((a, b) => a * b, 1),
        taps,
      );
      return result;
    }),
  derivative: {
    kind: 'linear',
    transpose: (g, { params }) => applyOne(resampleOperator, [g], { dim: params.dim, taps: transposed(params.taps) }),
  },
  batching: { kind: 'params', rewrite: ({ dim, taps }) => ({ dim: dim + 1, taps }) },
});

/** Along `dim`, each element becomes a sum of weighted ones. */
export function resample(x: Tensor, dim: number, taps: Taps): Tensor {
  return applyOne(resampleOperator, [x], { dim, taps });
}

/** A matrix from the columns and values of each of its rows. */
export function tapsOf(size: number, rows: number, row: (i: number) => Iterable<readonly [index: number, weight: number]>): Taps {
  const starts = new Int32Array(rows + 1);
  const indices: number[] = [];
  const weights: number[] = [];
  for (let i = 0; i < rows; i++) {
    for (const [index, weight] of row(i)) {
      indices.push(index);
      weights.push(weight);
    }
    starts[i + 1] = indices.length;
  }
  return { starts, indices: Int32Array.from(indices), weights: Float64Array.from(weights), size };
}

const transposes = new WeakMap<Taps, Taps>();

function transposed(taps: Taps): Taps {
  const known = transposes.get(taps);
  if (known !== undefined) return known;
  const rows = taps.starts.length - 1;
  const starts = new Int32Array(taps.size + 1);
  for (const index of taps.indices) starts[index + 1]!++;
  for (let i = 0; i < taps.size; i++) starts[i + 1]! += starts[i]!;
  const next = starts.slice();
  const indices = new Int32Array(taps.indices.length);
  const weights = new Float64Array(taps.indices.length);
  for (let row = 0; row < rows; row++) {
    for (let k = taps.starts[row]!; k < taps.starts[row + 1]!; k++) {
      const at = next[taps.indices[k]!]!++;
      indices[at] = row;
      weights[at] = taps.weights[k]!;
    }
  }
  const result: Taps = { starts, indices, weights, size: rows };
  transposes.set(taps, result);
  transposes.set(result, taps);
  return result;
}
