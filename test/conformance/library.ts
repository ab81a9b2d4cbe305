/**
 * The library as the runner sees it: its operators by their paths, and the few functions that the runner itself calls. Everything is looked up at
 * run time, so that an incomplete library runs too, and a stand-in can take its place in the runner's own tests.
 */
import type { Snapshot } from './compare.ts';
import { bytesOf, ComplexValue, decode, EllipsisValue, itemsizeOf, layOut, SliceValue, sizeOf } from './decode.ts';
import type { Encoded, EncodedTensor } from './vectors.ts';

/** A tensor of the library. */
export interface Handle {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly requiresGrad?: boolean;
  toBytes(): Uint8Array;
}

export type Call = (...args: unknown[]) => unknown;

/** An operator that was found: how to call it, and its signature if it has one. */
export interface Found {
  readonly call: Call;
  readonly signature: string | null;
}

type Table = Readonly<Record<string, unknown>>;

/** Namespaces in which operators are looked for. */
const NAMESPACES = ['', 'special', 'linalg', 'fft', 'nn.functional', 'masked', 'signal', 'signal.windows'];

/** A required part of the library is not there. */
export class MissingError extends Error {}

function isTable(value: unknown): value is Table {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** What lies at a dotted path below `root`. */
export function lookUp(root: unknown, path: string): unknown {
  let value = root;
  for (const name of path.split('.')) {
    if (name === '') continue;
    if (!isTable(value) || !(name in value)) return undefined;
    value = value[name];
  }
  return value;
}

function signatureOf(value: unknown): string | null {
  const definition = isTable(value) ? value.operator : undefined;
  const signature = isTable(definition) ? definition.signature : undefined;
  return typeof signature === 'string' ? signature : null;
}

export class Library {
  readonly exports: Table;
  private readonly byName = new Map<string, Found>();
  private readonly prototype: Table | null;

  constructor(exports: Table) {
    this.exports = exports;
    const tensor = exports.Tensor;
    this.prototype = typeof tensor === 'function' ? (tensor.prototype as Table) : null;
    for (const namespace of NAMESPACES) {
      const table = lookUp(exports, namespace);
      if (isTable(table)) this.collect(table, namespace);
    }
  }

  private collect(table: Table, namespace: string): void {
    for (const [name, value] of Object.entries(table)) {
      if (typeof value !== 'function') continue;
      const definition = isTable(value) ? (value as unknown as Table).operator : undefined;
      if (!isTable(definition)) continue;
      const found: Found = { call: value as Call, signature: signatureOf(value) };
      this.byName.set(namespace === '' ? name : `${namespace}.${name}`, found);
      if (typeof definition.name === 'string' && !this.byName.has(definition.name)) this.byName.set(definition.name, found);
    }
  }

  /** Number of names under which operators were found. */
  get operatorCount(): number {
    return this.byName.size;
  }

  /** The operator of a camelCase path: a function, or a method or attribute of the tensor. */
  find(path: string): Found | null {
    const known = this.byName.get(path);
    if (known !== undefined) return known;
    // A plain function may share an operator's name (slice makes an index): what the tensor has under that name comes first.
    const found = (path.includes('.') ? null : this.findMember(path)) ?? this.findFunction(path);
    if (found !== null) this.byName.set(path, found);
    return found;
  }

  private findFunction(path: string): Found | null {
    const value = lookUp(this.exports, path);
    const isClass = typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
    return typeof value === 'function' && !isClass ? { call: value as Call, signature: signatureOf(value) } : null;
  }

  private findMember(name: string): Found | null {
    let owner: object | null = this.prototype;
    while (owner !== null && owner !== Object.prototype) {
      const property = Object.getOwnPropertyDescriptor(owner, name);
      if (property?.get !== undefined) return { call: (self) => property.get!.call(self), signature: null };
      if (typeof property?.value === 'function') {
        const method = property.value as (this: unknown, ...args: unknown[]) => unknown;
        return { call: (self, ...args) => method.apply(self, args), signature: signatureOf(method) };
      }
      owner = Object.getPrototypeOf(owner);
    }
    return null;
  }

  /** A method of the tensor as a function of the tensor and its arguments. */
  method(name: string): Call {
    const found = this.findMember(name);
    if (found === null) throw new MissingError(`a tensor has no method ${name}`);
    return found.call;
  }

  /** A function of the library that the runner needs. */
  need(path: string): Call {
    const found = this.find(path);
    if (found === null) throw new MissingError(`the library has no ${path}`);
    return found.call;
  }

  /** Whether anything is exported at a path. */
  has(path: string): boolean {
    return lookUp(this.exports, path) !== undefined;
  }

  /** A class of the library that the runner needs. */
  needClass(path: string): (new (...args: unknown[]) => object) & { readonly signature?: unknown } {
    const value = lookUp(this.exports, path);
    if (typeof value !== 'function') throw new MissingError(`the library has no ${path}`);
    return value as unknown as (new (...args: unknown[]) => object) & { readonly signature?: unknown };
  }

  isTensor(value: unknown): value is Handle {
    return isTable(value) && typeof (value as unknown as Handle).toBytes === 'function';
  }

  /** Whether an exception is one of the library's own refusals. */
  isRefusal(error: unknown): boolean {
    const base = this.exports.NablaError;
    return typeof base === 'function' && error instanceof (base as new () => Error);
  }

  /** A tensor of the files as one of the library, in the layout it had. */
  make(encoded: EncodedTensor, requiresGrad = false): Handle {
    const bytes = bytesOf(encoded);
    const fromBytes = this.need('fromBytes');
    const strides = encoded.st;
    const strided = strides?.every((stride) => stride >= 0) === true && sizeOf(encoded.s) > 0;
    return (
      strided
        ? fromBytes(layOut(bytes, encoded.s, strides, itemsizeOf(encoded.t)), encoded.s, encoded.t, { strides, requiresGrad })
        : fromBytes(bytes, encoded.s, encoded.t, { requiresGrad })
    ) as Handle;
  }

  /** A 0-d tensor: what says exactly which kind of number is meant. */
  scalar(value: number, dtype: 'float32' | 'float64'): Handle {
    const bytes = new Uint8Array((dtype === 'float64' ? Float64Array : Float32Array).of(value).buffer);
    return this.need('fromBytes')(bytes, [], dtype) as Handle;
  }

  /** A list of indices as a tensor. */
  indices(values: readonly number[]): Handle {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.need('fromBytes')(bytes, [values.length], 'int64') as Handle;
  }

  private special(value: unknown): unknown {
    if (value instanceof ComplexValue) {
      const bytes = new Uint8Array(Float64Array.of(value.re, value.im).buffer);
      return this.need('fromBytes')(bytes, [], 'complex128');
    }
    if (value instanceof SliceValue) {
      const { start, stop, step } = value;
      const slice = this.findFunction('slice');
      return slice === null ? { start, stop, step } : slice.call(start, stop, step ?? 1);
    }
    if (value instanceof EllipsisValue) return '...';
    return value;
  }

  private translate(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.translate(item));
    if (typeof value !== 'object' || value === null || this.isTensor(value)) return value;
    if (value instanceof ComplexValue || value instanceof SliceValue || value instanceof EllipsisValue) return this.special(value);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.translate(item)]));
  }

  /** Decodes a value, with tensors from `tensor`, into what the library takes. */
  decode(value: Encoded, tensor: (encoded: EncodedTensor) => unknown): unknown {
    return this.translate(decode(value, tensor));
  }

  snapshot(tensor: Handle): Snapshot {
    return { dtype: tensor.dtype, shape: tensor.shape, bytes: tensor.toBytes() };
  }

  /** How often the storage of a tensor was written, as far as the library tells. */
  version(tensor: Handle): unknown {
    return lookUp(tensor, 'version') ?? lookUp(tensor, 'storage.version');
  }

  grad(
    outputs: readonly Handle[],
    inputs: readonly Handle[],
    gradOutputs: readonly Handle[],
    createGraph: boolean,
  ): readonly (Handle | null)[] {
    const result = this.need('autograd.grad')(outputs, inputs, gradOutputs, { retainGraph: true, createGraph, allowUnused: true });
    return [...(result as Iterable<Handle | null>)];
  }

  jvp(
    fn: (...inputs: Handle[]) => Handle[],
    inputs: readonly Handle[],
    tangents: readonly Handle[],
  ): { outputs: readonly Handle[]; tangents: readonly (Handle | null)[] } {
    const result = this.need('jvp')(fn, inputs, tangents) as { outputs: Iterable<Handle>; tangents: Iterable<Handle | null> };
    return { outputs: [...result.outputs], tangents: [...result.tangents] };
  }

  manualSeed(seed: number): void {
    const found = this.find('manualSeed');
    if (found !== null) found.call(seed);
  }
}
