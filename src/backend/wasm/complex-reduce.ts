/** Reductions and scans of complex numbers: sums are sums of the parts; the rest is rare, and runs in JavaScript. */
import { BOOL } from '../../dtype/dtype.ts';
import type { ReduceKind, ScanKind } from '../../runtime/backend.ts';
import { heap } from '../../runtime/heap.ts';
import { allocate, beginLaunch, release } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { invariant } from '../../util/invariant.ts';
import { type Axis, axisOf, countOf, eachOffset } from './axes.ts';
import { realPairs } from './complex.ts';
import { addressOfView } from './host.ts';
import { reduce } from './reduce.ts';
import { scan } from './scan.ts';

/** `reduce` for a complex input: sum and prod give complex numbers, any and all truth values. */
export function reduceComplex(kind: ReduceKind, out: View, input: View, dims: readonly number[]): void {
  if (kind === 'prod') multiplyAlong(out, input, dims);
  else if (kind === 'sum') reduce('sum', realPairs(out), realPairs(input), dims);
  else if (kind === 'any') reduce('any', out, realPairs(input), [...dims, input.shape.length]);
  else {
    invariant(kind === 'all', 'complex numbers have no order');
    const { shape, size } = input;
    const strides = shape.map((_, dim) => shape.slice(dim + 1).reduce((a, b) => a * b, 1));
    const truths: View = { storage: allocate(size), offset: 0, shape, strides, type: BOOL, size, rowMajor: true };
    reduce('any', truths, realPairs(input), [shape.length]);
    reduce('all', out, truths, dims);
    release(truths.storage);
  }
}

/** `scan` for complex numbers: running sums and products. */
export function scanComplex(kind: ScanKind, out: View, input: View, dim: number): void {
  if (kind === 'sum') scan('sum', realPairs(out), null, realPairs(input), dim);
  else {
    invariant(kind === 'prod', 'complex numbers have running sums and products alone');
    runningProduct(out, input, dim);
  }
}

/** The parts of complex numbers in the heap, by byte address. */
interface Parts {
  read(address: number, part: 0 | 1): number;
  write(address: number, real: number, imaginary: number): void;
}

function partsOf(view: View): Parts {
  const array = view.type.name === 'complex64' ? heap.f32 : heap.f64;
  const bytes = array.BYTES_PER_ELEMENT;
  return {
    read: (address, part) => array[address / bytes + part]!,
    write: (address, real, imaginary) => {
      array[address / bytes] = real;
      array[address / bytes + 1] = imaginary;
    },
  };
}

function multiplyAlong(out: View, input: View, dims: readonly number[]): void {
  const axes = input.shape.map((_, dim) => axisOf(input, dim));
  const kept = axes.filter((_, dim) => !dims.includes(dim));
  const reduced = axes.filter((_, dim) => dims.includes(dim));
  beginLaunch();
  const first = addressOfView(input);
  const parts = partsOf(input);
  let target = addressOfView(out);
  eachOffset(kept, (place) => {
    let [real, imaginary] = [1, 0];
    eachOffset(reduced, (offset) => {
      const at = first + place + offset;
      const [re, im] = [parts.read(at, 0), parts.read(at, 1)];
      [real, imaginary] = [real * re - imaginary * im, real * im + imaginary * re];
    });
    parts.write(target, real, imaginary);
    target += out.type.itemsize;
  });
}

function runningProduct(out: View, input: View, dim: number): void {
  const axes = input.shape.map((_, d) => axisOf(input, d));
  const along: Axis = axes[dim] ?? { size: 1, stride: 0 };
  const step = out.shape.length === 0 ? 0 : axisOf(out, dim).stride;
  const lines = axes.filter((_, d) => d !== dim);
  const starts: number[] = [];
  const outLines = out.shape.map((_, d) => axisOf(out, d)).filter((_, d) => d !== dim);
  invariant(countOf(lines) === countOf(outLines), 'a scan keeps the shape');
  eachOffset(outLines, (offset) => {
    starts.push(offset);
  });
  beginLaunch();
  const [source, target] = [addressOfView(input), addressOfView(out)];
  const parts = partsOf(input);
  let line = 0;
  eachOffset(lines, (offset) => {
    let [real, imaginary] = [1, 0];
    for (let i = 0; i < along.size; i++) {
      const at = source + offset + i * along.stride;
      const [re, im] = [parts.read(at, 0), parts.read(at, 1)];
      [real, imaginary] = [real * re - imaginary * im, real * im + imaginary * re];
      parts.write(target + starts[line]! + i * step, real, imaginary);
    }
    line++;
  });
}
