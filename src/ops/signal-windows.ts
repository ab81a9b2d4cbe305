import { type DType, FLOAT32, FLOAT64 } from '../dtype/dtype.ts';
import { getDefaultDtype } from '../dtype/promotion.ts';
import type { Sample } from '../op/contract.ts';
import { i0e } from '../scalar/bessel.ts';
import { tensorOfElements } from '../tensor/data.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { described, optionalType } from './family.ts';
import type { WindowFunction } from './types.ts';

/** Windows of signal processing: `M` weights, symmetric, or with `sym: false` one period of a periodic window. */

export interface WindowOptions {
  /** Symmetric (the default, for filters), or one period (for spectra). */
  readonly sym?: boolean;
  /** float32 or float64. */
  readonly dtype?: DType | null;
  readonly requiresGrad?: boolean;
}

/** What a window's weights depend on besides their number. */
interface Shape<O> {
  /** The names of options of its own, as PyTorch writes them. */
  readonly options: string;
  check?(name: string, options: O): void;
  /** Options of its own that it needs, or may need. */
  readonly sample?: Omit<O, keyof WindowOptions>;
  /** The weight at position k of `last` + 1. */
  weight(k: number, last: number, options: O): number;
}

function window<O extends WindowOptions>(own: string, shape: Shape<O>): WindowFunction<O> {
  const name = `signal.windows.${own}`;
  return described(
    name,
    (M: number, options: O = {} as O): Tensor => {
      requireWhole(name, 'M', M, 0);
      const type = optionalType(options.dtype) ?? getDefaultDtype();
      if (type !== FLOAT32 && type !== FLOAT64) throw new DTypeError(`${name}: needs dtype float32 or float64, got ${type.name}`);
      shape.check?.(name, options);
      const last = (options.sym ?? true) ? M - 1 : M;
      const values = M === 1 ? [1] : Array.from({ length: M }, (_, k) => shape.weight(k, last, options));
      const made = tensorOfElements(values, [M], type);
      made.tracked = options.requiresGrad ?? false;
      return made;
    },
    {
      signature: `M, *, ${shape.options}sym, dtype, requires_grad`,
      samples: [0, 1, 5]
        .map((M): Sample => ({ args: [M, { ...shape.sample }] }))
        .concat({ args: [4, { ...shape.sample, sym: false, dtype: 'float64' }] }),
      bad: [
        { args: [-1], error: /whole number/ },
        { args: [3, { dtype: 'int64' }], error: /float32 or float64/ },
        { args: [3, { dtype: 'float16' }], error: /float32 or float64/ },
      ],
    },
  );
}

function requirePositive(name: string, option: string, value: number): void {
  if (!(value > 0)) throw new ArgumentError(`${name}: ${option} must be above 0, got ${value}`);
}

/** The sum of cosines with these factors, their signs alternating. */
function cosines(factors: readonly number[], k: number, last: number): number {
  return factors.reduce((sum, factor, i) => sum + (i % 2 === 0 ? 1 : -1) * factor * Math.cos((2 * Math.PI * i * k) / last), 0);
}

function ofCosines(own: string, factors: readonly number[]): WindowFunction<WindowOptions> {
  return window(own, { options: '', weight: (k, last) => cosines(factors, k, last) });
}

/**
 * Bartlett's window: a triangle that ends at 0.
 *
 * @example
 * signal.windows.bartlett(5); // tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
 */
export const bartlett = window('bartlett', { options: '', weight: (k, last) => 1 - Math.abs((2 * k) / last - 1) });

/**
 * Blackman's window: 0.42 - 0.5 cos + 0.08 cos 2.
 *
 * @example
 * signal.windows.blackman(4, { sym: false }).narrow(0, 1, 3); // tensor([0.3400, 1.0000, 0.3400])
 */
export const blackman = ofCosines('blackman', [0.42, 0.5, 0.08]);

/**
 * The positive half of a sine.
 *
 * @example
 * signal.windows.cosine(3); // tensor([0.5000, 1.0000, 0.5000])
 */
export const cosine = window('cosine', { options: '', weight: (k, last) => Math.sin((Math.PI * (k + 0.5)) / (last + 1)) });

/** Options of `exponential`. */
export interface ExponentialOptions extends WindowOptions {
  /** Where the largest weight is; the middle by default. Only for windows that are not symmetric. */
  readonly center?: number | null;
  /** How far it takes to fall to 1 / e. Default 1. */
  readonly tau?: number;
}

/**
 * exp(-|k - center| / tau). Throws ArgumentError for a `tau` not above 0, and a centre of a symmetric window.
 *
 * @example
 * signal.windows.exponential(3); // tensor([0.3679, 1.0000, 0.3679])
 */
export const exponential = window<ExponentialOptions>('exponential', {
  options: 'center, tau, ',
  sample: { tau: 2 },
  check: (name, { tau = 1, center = null, sym = true }) => {
    requirePositive(name, 'tau', tau);
    if (sym && center !== null) throw new ArgumentError(`${name}: a symmetric window has its centre in the middle: leave out center`);
  },
  weight: (k, last, { tau = 1, center = null }) => Math.exp(-Math.abs(k - (center ?? last / 2)) / tau),
});

/** Options of `gaussian`. */
export interface GaussianWindowOptions extends WindowOptions {
  /** Default 1. */
  readonly std?: number;
}

/**
 * A normal density about the middle, 1 there. Throws ArgumentError for a `std` not above 0.
 *
 * @example
 * signal.windows.gaussian(3); // tensor([0.6065, 1.0000, 0.6065])
 */
export const gaussian = window<GaussianWindowOptions>('gaussian', {
  options: 'std, ',
  sample: { std: 2 },
  check: (name, { std = 1 }) => {
    requirePositive(name, 'std', std);
  },
  weight: (k, last, { std = 1 }) => Math.exp(-0.5 * ((k - last / 2) / std) ** 2),
});

/** Options of `generalCosine`. */
export interface GeneralCosineOptions extends WindowOptions {
  /** The factors of the cosines. */
  readonly a: readonly number[];
}

/**
 * A sum of cosines with the factors `a`, their signs alternating. Throws ArgumentError without factors.
 *
 * @example
 * signal.windows.generalCosine(3, { a: [0.5, 0.5] }); // tensor([0., 1., 0.])
 */
export const generalCosine = window<GeneralCosineOptions>('generalCosine', {
  options: 'a, ',
  sample: { a: [0.5, 0.3, 0.2] },
  check: (name, { a }) => {
    if (!Array.isArray(a) || a.length === 0) throw new ArgumentError(`${name}: a must be a list of at least one factor`);
  },
  weight: (k, last, { a }) => cosines(a, k, last),
});

/** Options of `generalHamming`. */
export interface GeneralHammingOptions extends WindowOptions {
  /** Default 0.54. */
  readonly alpha?: number;
}

/**
 * alpha - (1 - alpha) cos.
 *
 * @example
 * signal.windows.generalHamming(3, { alpha: 0.6 }); // tensor([0.2000, 1.0000, 0.2000])
 */
export const generalHamming = window<GeneralHammingOptions>('generalHamming', {
  options: 'alpha, ',
  sample: { alpha: 0.6 },
  weight: (k, last, { alpha = 0.54 }) => cosines([alpha, 1 - alpha], k, last),
});

/**
 * Hamming's window: 0.54 - 0.46 cos.
 *
 * @example
 * signal.windows.hamming(3); // tensor([0.0800, 1.0000, 0.0800])
 */
export const hamming = ofCosines('hamming', [0.54, 0.46]);

/**
 * Von Hann's window: 0.5 - 0.5 cos.
 *
 * @example
 * signal.windows.hann(3); // tensor([0., 1., 0.])
 */
export const hann = ofCosines('hann', [0.5, 0.5]);

/** Options of `kaiser`. */
export interface KaiserOptions extends WindowOptions {
  /** How narrow it is. Default 12. */
  readonly beta?: number;
}

/**
 * Kaiser's window: I₀(β √(1 - (2k / (M - 1) - 1)²)) / I₀(β). Throws ArgumentError for a negative `beta`.
 *
 * @example
 * signal.windows.kaiser(3, { beta: 2 }); // tensor([0.4387, 1.0000, 0.4387])
 */
export const kaiser = window<KaiserOptions>('kaiser', {
  options: 'beta, ',
  sample: { beta: 3 },
  check: (name, { beta = 12 }) => {
    if (!(beta >= 0)) throw new ArgumentError(`${name}: beta must not be negative, got ${beta}`);
  },
  weight: (k, last, { beta = 12 }) => {
    const inner = beta * Math.sqrt(Math.max(0, 1 - ((2 * k) / last - 1) ** 2));
    return (i0e(inner) / i0e(beta)) * Math.exp(inner - beta);
  },
});

/**
 * Nuttall's window of four cosines, with the least side lobes.
 *
 * @example
 * signal.windows.nuttall(3); // tensor([3.6280e-04, 1.0000e+00, 3.6280e-04])
 */
export const nuttall = ofCosines('nuttall', [0.3635819, 0.4891775, 0.1365995, 0.0106411]);
