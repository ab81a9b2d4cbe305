/** Steps from a tensor to a view of it, drawn at random, each as the library does it and as the model does. */
import fc from 'fast-check';
import type { Tensor } from '../../src/index.ts';
import { type Model, sizeOf, viewed } from './model.ts';

/** One step; numbers in it are fractions, so that it means something for every shape. */
export interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

const KINDS = [
  'narrow',
  'select',
  'slice',
  'permute',
  'transpose',
  'expand',
  'unfold',
  'diagonal',
  'reshape',
  'unsqueeze',
  'squeeze',
  'movedim',
] as const;

const fraction = fc.double({ min: 0, max: 0.999999, noNaN: true });

export const steps = (maxLength: number): fc.Arbitrary<Step[]> =>
  fc.array(fc.record({ kind: fc.constantFrom(...KINDS), a: fraction, b: fraction, c: fraction }), { minLength: 1, maxLength });

export const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 0, maxLength: 4 });

/** What a step does to both; null where it does not apply to the shape. */
export interface Outcome {
  readonly tensor: (x: Tensor) => Tensor;
  readonly model: Model;
  readonly name: string;
}

function pick(fractionOf: number, count: number): number {
  return Math.floor(fractionOf * count);
}

function replaced(values: readonly number[], at: number, ...by: number[]): number[] {
  return [...values.slice(0, at), ...by, ...values.slice(at + 1)];
}

function orderOf(count: number, { a, b, c }: Step): number[] {
  const keys = Array.from({ length: count }, (_, i) => [((i + 1) * (a + 0.3) * 7.13 + b * 3.1 + c * i * 1.7) % 1, i] as const);
  return keys.sort(([x], [y]) => x - y).map(([, i]) => i);
}

/** All factorisations of a size into up to three factors are reached. */
function otherShape(size: number, { a, b }: Step): number[] {
  const divisors = Array.from({ length: size }, (_, i) => i + 1).filter((d) => size % d === 0);
  const first = divisors[pick(a, divisors.length)] as number;
  const rest = Array.from({ length: size / first }, (_, i) => i + 1).filter((d) => (size / first) % d === 0);
  const second = rest[pick(b, rest.length)] as number;
  return [first, second, size / first / second];
}

function byDim(m: Model, step: Step): Outcome | null {
  const { kind, a, b, c } = step;
  const n = m.shape.length;
  if (n === 0) return null;
  const dim = pick(a, n);
  const size = m.shape[dim] as number;
  const shifted = (start: number, factor: number) => (at: number[]) => at.map((i, d) => (d === dim ? start + i * factor : i));
  switch (kind) {
    case 'narrow': {
      const start = pick(b, size);
      const length = 1 + pick(c, size - start);
      return {
        name: `narrow(${dim}, ${start}, ${length})`,
        tensor: (x) => x.narrow(dim - n, start, length),
        model: viewed(m, replaced(m.shape, dim, length), shifted(start, 1)),
      };
    }
    case 'slice': {
      const start = pick(b, size);
      const factor = 1 + pick(c, 3);
      const length = Math.ceil((size - start) / factor);
      return {
        name: `slice(${dim}, ${start}, null, ${factor})`,
        tensor: (x) => x.slice(dim, start, null, { step: factor }),
        model: viewed(m, replaced(m.shape, dim, length), shifted(start, factor)),
      };
    }
    case 'select': {
      const index = pick(b, size);
      return {
        name: `select(${dim}, ${index})`,
        tensor: (x) => x.select(dim, index - size),
        model: viewed(m, replaced(m.shape, dim), (at) => [...at.slice(0, dim), index, ...at.slice(dim)]),
      };
    }
    case 'unfold': {
      const window = 1 + pick(b, size);
      const stride = 1 + pick(c, 2);
      const count = Math.floor((size - window) / stride) + 1;
      return {
        name: `unfold(${dim}, ${window}, ${stride})`,
        tensor: (x) => x.unfold(dim, window, stride),
        model: viewed(m, [...replaced(m.shape, dim, count), window], (at) => shifted(at[n] as number, stride)(at.slice(0, n))),
      };
    }
    case 'squeeze':
      if (size !== 1) return null;
      return {
        name: `squeeze(${dim})`,
        tensor: (x) => x.squeeze(dim),
        model: viewed(m, replaced(m.shape, dim), (at) => [...at.slice(0, dim), 0, ...at.slice(dim)]),
      };
    default:
      return null;
  }
}

function byShape(m: Model, step: Step): Outcome | null {
  const { kind, a, b, c } = step;
  const n = m.shape.length;
  switch (kind) {
    case 'permute': {
      const order = orderOf(n, step);
      return {
        name: `permute(${order})`,
        tensor: (x) => x.permute(order),
        model: viewed(
          m,
          order.map((d) => m.shape[d] as number),
          (at) => order.map((_, d) => at[order.indexOf(d)] as number),
        ),
      };
    }
    case 'transpose':
    case 'movedim': {
      if (n < 2) return null;
      const from = pick(a, n);
      const to = pick(b, n);
      const order = m.shape.map((_, i) => i);
      if (kind === 'transpose') [order[from], order[to]] = [to, from];
      else order.splice(to, 0, ...order.splice(from, 1));
      return {
        name: `${kind}(${from}, ${to})`,
        tensor: (x) => (kind === 'transpose' ? x.transpose(from, to - n) : x.movedim(from, to)),
        model: viewed(
          m,
          order.map((d) => m.shape[d] as number),
          (at) => order.map((_, d) => at[order.indexOf(d)] as number),
        ),
      };
    }
    case 'expand': {
      if (sizeOf(m.shape) > 100) return null;
      const front = pick(a, 2) * (1 + pick(b, 2));
      const lead = front === 0 ? [] : [front];
      const target = [...lead, ...m.shape.map((size) => (size === 1 && c > 0.3 ? 3 : size))];
      return {
        name: `expand(${target})`,
        tensor: (x) => x.expand(target),
        model: viewed(m, target, (at) => at.slice(lead.length).map((i, d) => (m.shape[d] === 1 ? 0 : i))),
      };
    }
    case 'diagonal': {
      if (n < 2) return null;
      const [dim1, dim2] = orderOf(n, step) as [number, number];
      const [rows, columns] = [m.shape[dim1] as number, m.shape[dim2] as number];
      const offset = pick(c, rows + columns - 1) - rows + 1;
      const length = offset >= 0 ? Math.min(rows, columns - offset) : Math.min(rows + offset, columns);
      const others = m.shape.map((_, d) => d).filter((d) => d !== dim1 && d !== dim2);
      return {
        name: `diagonal(${offset}, ${dim1}, ${dim2})`,
        tensor: (x) => x.diagonal({ offset, dim1, dim2 }),
        model: viewed(m, [...others.map((d) => m.shape[d] as number), length], (at) => {
          const i = at[others.length] as number;
          return m.shape.map((_, d) =>
            d === dim1 ? i - Math.min(0, offset) : d === dim2 ? i + Math.max(0, offset) : (at[others.indexOf(d)] as number),
          );
        }),
      };
    }
    case 'reshape': {
      const shape = otherShape(sizeOf(m.shape), step);
      return { name: `reshape(${shape})`, tensor: (x) => x.reshape(shape), model: { shape, places: m.places } };
    }
    case 'unsqueeze': {
      const dim = pick(a, n + 1);
      return {
        name: `unsqueeze(${dim})`,
        tensor: (x) => x.unsqueeze(dim),
        model: viewed(m, [...m.shape.slice(0, dim), 1, ...m.shape.slice(dim)], (at) => [...at.slice(0, dim), ...at.slice(dim + 1)]),
      };
    }
    default:
      return null;
  }
}

/** The step on a model of some shape. */
export function outcomeOf(model: Model, step: Step): Outcome | null {
  return byDim(model, step) ?? byShape(model, step);
}
