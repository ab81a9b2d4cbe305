/** What a tensor looks like when printed: PyTorch's layout, from any view that can read its elements. */
import type { DType } from '../dtype/dtype.ts';
import { getDefaultDtype } from '../dtype/promotion.ts';
import { ArgumentError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { formatExponential, formatFixed } from './printing-numbers.ts';

/** How tensors are printed. */
export interface PrintOptions {
  /** Digits after the decimal point. */
  readonly precision: number;
  /** Tensors of more elements than this are summarised. */
  readonly threshold: number;
  /** Elements that a summary shows at both ends of each dimension. */
  readonly edgeitems: number;
  /** Characters after which lines are broken. */
  readonly linewidth: number;
  /** Whether floating-point numbers get an exponent; null decides by their magnitudes. */
  readonly sciMode: boolean | null;
}

/** Named sets of options. */
export type PrintProfile = 'default' | 'short' | 'full';

/** A complex number. */
export interface ComplexParts {
  readonly re: number;
  readonly im: number;
}

/** What is printed: elements are read by their place in row-major order. */
export interface PrintableView {
  readonly shape: readonly number[];
  readonly dtype: DType;
  get(flatIndex: number): number | bigint | boolean | ComplexParts;
}

const DEFAULT_OPTIONS: PrintOptions = { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80, sciMode: null };

const PROFILES: Readonly<Record<PrintProfile, Partial<PrintOptions>>> = {
  default: { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80 },
  short: { precision: 2, threshold: 1000, edgeitems: 2, linewidth: 80 },
  full: { precision: 4, threshold: Number.POSITIVE_INFINITY, edgeitems: 3, linewidth: 80 },
};

const PRINT_OPTIONS: ReadonlySet<string> = new Set([...Object.keys(DEFAULT_OPTIONS), 'profile']);

let current: PrintOptions = DEFAULT_OPTIONS;

/**
 * Sets how tensors are printed from now on.
 *
 * As in PyTorch, `profile` is applied first and the other options override it; what is not given stays, except `sciMode`, which goes back
 * to deciding by magnitudes.
 *
 * @throws ArgumentError if an option is not a number of its kind, or the profile unknown.
 * @example
 * setPrintOptions({ precision: 2 });
 * String(tensor([1.12345]));   // tensor([1.12])
 * setPrintOptions({ profile: 'default' });
 */
export function setPrintOptions(options: Partial<PrintOptions> & { readonly profile?: PrintProfile }): void {
  checkOptions('setPrintOptions', options, PRINT_OPTIONS);
  const { profile, ...given } = options;
  if (profile !== undefined && !Object.hasOwn(PROFILES, profile)) {
    throw new ArgumentError(`setPrintOptions: profile must be 'default', 'short' or 'full', got '${profile}'`);
  }
  const next = { ...merge({ ...current, ...(profile === undefined ? {} : PROFILES[profile]) }, given), sciMode: given.sciMode ?? null };
  checkValues(next);
  current = next;
}

/**
 * How tensors are printed now.
 *
 * @example
 * getPrintOptions().precision; // 4
 */
export function getPrintOptions(): PrintOptions {
  return current;
}

function merge(base: PrintOptions, given: Partial<PrintOptions>): PrintOptions {
  return {
    precision: given.precision ?? base.precision,
    threshold: given.threshold ?? base.threshold,
    edgeitems: given.edgeitems ?? base.edgeitems,
    linewidth: given.linewidth ?? base.linewidth,
    sciMode: given.sciMode === undefined ? base.sciMode : given.sciMode,
  };
}

function checkValues(options: PrintOptions): void {
  for (const name of ['precision', 'edgeitems', 'linewidth'] as const) {
    if (!Number.isInteger(options[name]) || options[name] < 0) {
      throw new ArgumentError(`setPrintOptions: ${name} must be a whole number of at least 0, got ${options[name]}`);
    }
  }
  if (!(options.threshold >= 0)) throw new ArgumentError(`setPrintOptions: threshold must be at least 0, got ${options.threshold}`);
}

const PREFIX = 'tensor(';

/**
 * The text of a tensor.
 *
 * @param options What differs from the options that `setPrintOptions` set.
 * @param suffixes What follows the size and dtype, such as `requiresGrad=true` or `gradFn=<AddBackward>`.
 * @example
 * formatTensor({ shape: [2], dtype: 'float32', get: () => 1 });   // 'tensor([1., 1.])'
 */
export function formatTensor(view: PrintableView, options: Partial<PrintOptions> = {}, suffixes: readonly string[] = []): string {
  const settings = merge(current, options);
  const size = view.shape.reduce((product, length) => product * length, 1);
  const all: string[] = [];
  if (size === 0) {
    if (view.shape.length !== 1) all.push(sizeSuffix(view.shape));
    if (view.dtype !== getDefaultDtype().name) all.push(`dtype=${view.dtype}`);
  } else {
    if (settings.edgeitems === 0) all.push(sizeSuffix(view.shape));
    if (!goesWithoutSaying(view.dtype)) all.push(`dtype=${view.dtype}`);
  }
  const body = size === 0 ? '[]' : new Layout(view, size, settings).format(0, 0, PREFIX.length);
  return addSuffixes(PREFIX + body, [...all, ...suffixes], PREFIX.length, settings.linewidth);
}

function sizeSuffix(shape: readonly number[]): string {
  return `size=(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
}

function goesWithoutSaying(dtype: DType): boolean {
  const float = getDefaultDtype().name;
  const complex = float === 'float64' ? 'complex128' : 'complex64';
  return dtype === float || dtype === complex || dtype === 'int64' || dtype === 'bool';
}

function addSuffixes(text: string, suffixes: readonly string[], indent: number, linewidth: number): string {
  let result = text;
  // PyTorch counts the line break and the closing parenthesis in; so must we, to break where it breaks.
  let lineLength = text.length - text.lastIndexOf('\n') + 1;
  for (const suffix of suffixes) {
    if (lineLength + suffix.length + 2 > linewidth) {
      result += `,\n${' '.repeat(indent)}${suffix}`;
      lineLength = indent + suffix.length;
    } else {
      result += `, ${suffix}`;
      lineLength += suffix.length + 2;
    }
  }
  return `${result})`;
}

/** Lays one tensor out in brackets, lines and columns. */
class Layout {
  readonly #view: PrintableView;
  readonly #options: PrintOptions;
  readonly #summarize: boolean;
  readonly #strides: readonly number[];
  readonly #real: Column;
  readonly #imaginary: Column | null;

  constructor(view: PrintableView, size: number, options: PrintOptions) {
    this.#view = view;
    this.#options = options;
    this.#summarize = size > options.threshold;
    this.#strides = view.shape.map((_, dim) => view.shape.slice(dim + 1).reduce((product, length) => product * length, 1));
    const shown: (number | bigint | boolean | ComplexParts)[] = [];
    this.#collect(0, 0, shown);
    const isComplex = view.dtype.startsWith('complex');
    const isFloat = isComplex || view.dtype.includes('float');
    const parts = isComplex ? (shown as ComplexParts[]) : null;
    this.#real = new Column(parts === null ? (shown as (number | bigint | boolean)[]) : parts.map((value) => value.re), isFloat, options);
    this.#imaginary =
      parts === null
        ? null
        : new Column(
            parts.map((value) => value.im),
            isFloat,
            options,
          );
  }

  format(dim: number, offset: number, indent: number): string {
    const { shape } = this.#view;
    if (dim === shape.length) return this.#element(offset);
    if (dim === shape.length - 1) return this.#vector(dim, offset, indent);
    const { edgeitems } = this.#options;
    const length = shape[dim]!;
    const slice = (index: number): string => this.format(dim + 1, offset + index * this.#strides[dim]!, indent + 1);
    const parts = this.#cut(length)
      ? [...range(0, edgeitems).map(slice), '...', ...range(length - edgeitems, length).map(slice)]
      : range(0, length).map(slice);
    return `[${parts.join(`,${'\n'.repeat(shape.length - dim - 1)}${' '.repeat(indent + 1)}`)}]`;
  }

  #vector(dim: number, offset: number, indent: number): string {
    const { edgeitems, linewidth } = this.#options;
    const length = this.#view.shape[dim]!;
    const element = (index: number): string => this.#element(offset + index);
    let items: string[];
    if (this.#summarize && edgeitems === 0) items = ['...'];
    else if (this.#cut(length)) items = [...range(0, edgeitems).map(element), ' ...', ...range(length - edgeitems, length).map(element)];
    else items = range(0, length).map(element);
    const width = this.#real.width + 2 + (this.#imaginary === null ? 0 : this.#imaginary.width + 1);
    const perLine = Math.max(1, Math.floor((linewidth - indent) / width));
    const lines: string[] = [];
    for (let start = 0; start < items.length; start += perLine) lines.push(items.slice(start, start + perLine).join(', '));
    return `[${lines.join(`,\n${' '.repeat(indent + 1)}`)}]`;
  }

  #element(offset: number): string {
    const value = this.#view.get(offset);
    if (this.#imaginary === null) return this.#real.format(value as number | bigint | boolean);
    const { re, im } = value as ComplexParts;
    const imaginary = `${this.#imaginary.format(im).trimStart()}j`;
    return this.#real.format(re) + (imaginary.startsWith('-') ? '' : '+') + imaginary;
  }

  /** Whether a summary leaves out the middle of a dimension of this length. */
  #cut(length: number): boolean {
    return this.#summarize && length > 2 * this.#options.edgeitems;
  }

  /** The elements that decide on the columns: those shown. */
  #collect(dim: number, offset: number, into: (number | bigint | boolean | ComplexParts)[]): void {
    const { shape } = this.#view;
    if (dim === shape.length) {
      into.push(this.#view.get(offset));
      return;
    }
    const { edgeitems } = this.#options;
    const length = shape[dim]!;
    const indices = this.#cut(length) ? [...range(0, edgeitems), ...range(length - edgeitems, length)] : range(0, length);
    for (const index of indices) this.#collect(dim + 1, offset + index * this.#strides[dim]!, into);
  }
}

/** Formats the numbers of one column: what they have in common decides on their width and notation. */
class Column {
  width = 1;
  readonly #isFloat: boolean;
  readonly #precision: number;
  #integers = true;
  #scientific = false;

  constructor(values: readonly (number | bigint | boolean)[], isFloat: boolean, options: PrintOptions) {
    this.#isFloat = isFloat;
    this.#precision = options.precision;
    if (isFloat) this.#measureFloats(values as readonly number[], options.sciMode);
    else for (const value of values) this.width = Math.max(this.width, plain(value).length);
  }

  format(value: number | bigint | boolean): string {
    return (this.#isFloat ? this.#float(value as number) : plain(value)).padStart(this.width);
  }

  #measureFloats(values: readonly number[], sciMode: boolean | null): void {
    const significant = values.filter((value) => Number.isFinite(value) && value !== 0);
    if (significant.length === 0) return;
    let smallest = Number.POSITIVE_INFINITY;
    let largest = 0;
    for (const value of significant) {
      smallest = Math.min(smallest, Math.abs(value));
      largest = Math.max(largest, Math.abs(value));
    }
    this.#integers = significant.every(Number.isInteger);
    this.#scientific = sciMode ?? (largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4);
    for (const value of significant) this.width = Math.max(this.width, this.#float(value).length);
  }

  #float(value: number): string {
    if (Number.isNaN(value)) return 'nan';
    if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
    if (this.#scientific) return formatExponential(value, this.#precision);
    return this.#integers ? `${formatFixed(value, 0)}.` : formatFixed(value, this.#precision);
  }
}

function plain(value: number | bigint | boolean): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}
