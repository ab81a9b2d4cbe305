/**
 * Convolutions of few channels at a time, depthwise ones above all: each output is so short a product that packing costs more than multiplying. Four vectors of neighbouring
 * outputs, or of places, are computed side by side where they lie evenly, then one, then single ones.
 */
import { COMPUTE_BYTES, type ComputeType, LANES } from './element.ts';
import { advance, advanceBy, repeat, whileLoop } from './loops.ts';
import { type MatmulVariant, multiplyAdd } from './matmul.ts';
import { ENTRY_BYTES } from './pack-windows.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';
import { borderImage, clearBorder } from './window-images.ts';

/** How many elements neighbouring places lie apart, where they are read as vectors. */
export type Apart = 1 | 2;

const VECTORS = 4;

/** Pushes vector `i` of the elements from `at` on, `apart` from each other. */
function pushVector(f: FunctionBuilder, compute: ComputeType, apart: Apart, at: Local, i: number): void {
  const align = Math.log2(COMPUTE_BYTES[compute]);
  f.get(at).load('v128.load', 16 * apart * i, align);
  if (apart === 1) return;
  // The second load ends with the last element that is wanted: what lies behind it may be nobody's.
  if (compute === 'f32')
    f.get(at)
      .load('v128.load', 32 * i + 12, align)
      .shuffle32(0, 2, 5, 7);
  else
    f.get(at)
      .load('v128.load', 32 * i + 8, align)
      .shuffle64(0, 3);
}

/**
 * Takes the entries of a table from `at` on, `left` of them, as many at a time as lie evenly. `stepBack`, where entries may be taken twice, goes back by so many of them, so that
 * what is left of a run is taken together with those before it.
 */
function byRuns(
  f: FunctionBuilder,
  compute: ComputeType,
  at: Local,
  left: Local,
  take: (vectors: number) => void,
  stepBack: ((count: Local) => void) | null,
): void {
  const lanes = LANES[compute];
  const taken = (vectors: number): void => {
    take(vectors);
    const count = vectors === 0 ? 1 : vectors * lanes;
    advanceBy(f, at, ENTRY_BYTES * count);
    advanceBy(f, left, -count);
  };
  const [back, entry] = [f.local('i32'), f.local('i32')];
  const has = (count: number): FunctionBuilder => f.get(at).load('i32.load', 4).i32(count).op('i32.ge_s');
  whileLoop(
    f,
    () => f.get(left),
    () => {
      const takeMost = (vectors: number): void => {
        if (vectors === 0 && stepBack === null) taken(0);
        else if (vectors === 0) {
          const [missing, before] = [back, entry];
          f.i32(lanes).get(at).load('i32.load', 4).op('i32.sub').set(missing);
          f.get(at).get(missing).i32(ENTRY_BYTES).op('i32.mul').op('i32.sub').set(before);
          f.get(before).load('i32.load', 4).i32(lanes).op('i32.eq');
          f.if(
            () => {
              f.get(before).set(at).get(left).get(missing).op('i32.add').set(left);
              stepBack?.(missing);
              taken(1);
            },
            () => taken(0),
          );
        } else
          has(vectors * lanes).if(
            () => taken(vectors),
            () => takeMost(vectors - 1),
          );
      };
      takeMost(VECTORS);
    },
  );
}

/**
 * `depthwise(images, groups, columns, k, source, sourceImage, sourceGroup, across, along, left, leftGroup, start, startGroup, out, outImage, outGroup, border)`: for each image and
 * group, `out[j] = start + Σ left[i] · source[across[j] + along[i]]` for `columns` outputs and k products each. Steps are in bytes.
 */
function depthwise(variant: MatmulVariant, apart: Apart, bordered: FunctionBuilder): FunctionBuilder {
  const { compute } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const f = new FunctionBuilder('depthwise', i32s(17));
  const [images, groups, columns, k, source, sourceImage, sourceGroup, across, along, left, leftGroup] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const [start, startGroup, out, outImage, outGroup, border] = [11, 12, 13, 14, 15, 16];
  const local = (): Local => f.local('i32');
  const [image, group, more, at, to, from, weights, begin, windows, base] = f.localsOf('i32', 10);
  const [step, weight, element, counter, target] = [local(), local(), local(), local(), local()];
  const sums = Array.from({ length: VECTORS }, () => f.local('v128'));
  const [factor, value] = [f.local('v128'), f.local('v128')];
  const sum = f.local(compute);
  const splat = bytes === 4 ? 'v128.load32_splat' : 'v128.load64_splat';
  const eachWeight = (body: () => void): void => {
    f.get(weights).set(weight).get(along).set(step);
    repeat(f, counter, k, () => {
      f.get(base).get(step).load('i32.load').op('i32.add').set(element);
      body();
      advanceBy(f, step, ENTRY_BYTES);
      advanceBy(f, weight, bytes);
    });
  };
  const take = (vectors: number): void => {
    f.get(windows).get(at).load('i32.load').op('i32.add').set(base);
    if (vectors === 0) {
      f.get(begin).load(`${compute}.load`).set(sum);
      eachWeight(() => {
        f.get(sum).get(weight).load(`${compute}.load`).get(element).load(`${compute}.load`);
        f.op(`${compute}.mul`).op(`${compute}.add`).set(sum);
      });
      f.get(target).get(sum).store(`${compute}.store`);
      advanceBy(f, target, bytes);
      return;
    }
    const own = sums.slice(0, vectors);
    for (const each of own) f.get(begin).load(splat).set(each);
    eachWeight(() => {
      f.get(weight).load(splat).set(factor);
      own.forEach((each, i) => {
        pushVector(f, compute, apart, element, i);
        f.set(value);
        multiplyAdd(f, variant, each, factor, value);
      });
    });
    own.forEach((each, i) => {
      f.get(target)
        .get(each)
        .store('v128.store', 16 * i, Math.log2(bytes));
    });
    advanceBy(f, target, 16 * vectors);
  };
  clearBorder(f, border);
  repeat(f, image, images, () => {
    f.get(source).set(from).get(left).set(weights).get(start).set(begin).get(out).set(to);
    repeat(f, group, groups, () => {
      f.get(border).get(from).call(bordered).set(windows);
      f.get(columns).set(more).get(across).set(at).get(to).set(target);
      byRuns(f, compute, at, more, take, (count) => f.get(target).get(count).i32(bytes).op('i32.mul').op('i32.sub').set(target));
      advance(f, from, sourceGroup);
      advance(f, weights, leftGroup);
      advance(f, begin, startGroup);
      advance(f, to, outGroup);
    });
    advance(f, source, sourceImage);
    advance(f, out, outImage);
  });
  return f;
}

/**
 * `depthwiseSums(images, groups, m, k, source, sourceImage, sourceGroup, across, along, left, leftImage, leftGroup, out, outGroup, border)`: for each group,
 * `out[j] = Σ left[p] · source[across[j] + along[p]]` over k places p and all images, for m elements j.
 */
function depthwiseSums(variant: MatmulVariant, apart: Apart, bordered: FunctionBuilder): FunctionBuilder {
  const { compute } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const f = new FunctionBuilder('depthwiseSums', i32s(15));
  const [images, groups, m, k, source, sourceImage, sourceGroup, across, along, left, leftImage, leftGroup, out, outGroup, border] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  ];
  const local = (): Local => f.local('i32');
  const [image, group, more, at, to, from, values, windows, base, element, entry, value, counter] = f.localsOf('i32', 13);
  const sums = Array.from({ length: VECTORS }, () => f.local('v128'));
  const [factor, other] = [f.local('v128'), f.local('v128')];
  const sum = f.local(compute);
  const shape = compute === 'f64' ? 'f64x2' : 'f32x4';
  const take = (vectors: number): void => {
    f.get(base).get(at).load('i32.load').op('i32.add').set(element);
    if (vectors === 0) {
      f.get(sum).get(value).load(`${compute}.load`).get(element).load(`${compute}.load`).op(`${compute}.mul`).op(`${compute}.add`).set(sum);
      advanceBy(f, value, bytes);
      return;
    }
    sums.slice(0, vectors).forEach((each, i) => {
      f.get(value)
        .load('v128.load', 16 * i, Math.log2(bytes))
        .set(factor);
      pushVector(f, compute, apart, element, i);
      f.set(other);
      multiplyAdd(f, variant, each, factor, other);
    });
    advanceBy(f, value, 16 * vectors);
  };
  const oneElement = (): void => {
    for (const each of sums) f.i32x4(0).set(each);
    f.get(to).load(`${compute}.load`).set(sum);
    f.get(windows).get(entry).load('i32.load').op('i32.add').set(base);
    f.get(k).set(more).get(along).set(at).get(values).set(value);
    byRuns(f, compute, at, more, take, null);
    f.get(sums[0]!).get(sums[1]!).op(`${shape}.add`).get(sums[2]!).get(sums[3]!).op(`${shape}.add`).op(`${shape}.add`).set(factor);
    for (let lane = 0; lane < LANES[compute]; lane++)
      f.get(sum).get(factor).lane(`${shape}.extract_lane`, lane).op(`${compute}.add`).set(sum);
    f.get(to).get(sum).store(`${compute}.store`);
    advanceBy(f, to, bytes);
    advanceBy(f, entry, ENTRY_BYTES);
  };
  const result = local();
  clearBorder(f, border);
  repeat(f, image, images, () => {
    f.get(source).set(from).get(left).set(values).get(out).set(result);
    repeat(f, group, groups, () => {
      f.get(border).get(from).call(bordered).set(windows);
      f.get(result).set(to).get(across).set(entry);
      repeat(f, counter, m, oneElement);
      advance(f, from, sourceGroup);
      advance(f, values, leftGroup);
      advance(f, result, outGroup);
    });
    advance(f, source, sourceImage);
    advance(f, left, leftImage);
  });
  return f;
}

/** The functions `depthwise` and `depthwiseSums` of a variant. */
export function depthwiseFunctions(variant: MatmulVariant, apart: Apart): FunctionBuilder[] {
  const bordered = borderImage(variant.compute);
  return [depthwise(variant, apart, bordered), depthwiseSums(variant, apart, bordered)];
}
