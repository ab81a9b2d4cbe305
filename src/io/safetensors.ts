/**
 * The safetensors file format: eight bytes with the length of a JSON header, the header, then the elements of every tensor without gaps.
 *
 * Facts from https://huggingface.co/docs/safetensors (format description). A reader must not trust a file: everything the header claims is
 * checked before anything is handed out.
 */
import { type DType, dtypeInfo } from '../dtype/dtype.ts';
import { ArgumentError, DTypeError } from '../util/errors.ts';
import { FormatError } from './format-error.ts';
import { duplicateKey } from './json-keys.ts';

/** A tensor of a file: little-endian elements in row-major order. */
export interface SafetensorsEntry {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** What a file holds. */
export interface SafetensorsFile {
  /** In the order of their bytes. */
  readonly tensors: Map<string, SafetensorsEntry>;
  /** The file's own notes, empty if it has none. */
  readonly metadata: Map<string, string>;
}

/** The format's codes for dtypes, in the order in which elements are laid out: widest first. complex128 has none. */
const CODES: readonly (readonly [DType, string])[] = [
  ['int64', 'I64'],
  ['float64', 'F64'],
  ['complex64', 'C64'],
  ['float32', 'F32'],
  ['int32', 'I32'],
  ['bfloat16', 'BF16'],
  ['float16', 'F16'],
  ['int16', 'I16'],
  ['int8', 'I8'],
  ['uint8', 'U8'],
  ['bool', 'BOOL'],
];
const codeOf = new Map(CODES);
const dtypeOf = new Map(CODES.map(([dtype, code]) => [code, dtype]));
const rankOf = new Map(CODES.map(([dtype], rank) => [dtype, rank]));

const PREFIX_BYTES = 8;
const LONGEST_HEADER = 100_000_000;
const METADATA = '__metadata__';

/**
 * The bytes of a safetensors file. The same tensors always give the same bytes, in whatever order they come.
 *
 * @param metadata Notes for the file, texts by name.
 * @throws DTypeError for complex128, which the format does not know.
 * @throws ArgumentError if a tensor's bytes are not as many as its shape and dtype say, or its name is `__metadata__`.
 * @example
 * const file = encodeSafetensors(new Map([['weight', { dtype: 'float32', shape: [2], bytes: new Uint8Array(8) }]]));
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, SafetensorsEntry>,
  metadata: ReadonlyMap<string, string> | Readonly<Record<string, string>> = {},
): Uint8Array {
  for (const [name, entry] of tensors) checkEntry(name, entry);
  const sorted = [...tensors].sort(([firstName, first], [secondName, second]) => {
    return rankOf.get(first.dtype)! - rankOf.get(second.dtype)! || compareText(firstName, secondName);
  });
  const header = new TextEncoder().encode(headerText(sorted, metadata));
  // Blanks up to a multiple of eight, so that elements are aligned in the file.
  const headerBytes = Math.ceil(header.length / 8) * 8;
  const size = sorted.reduce((total, [, entry]) => total + entry.bytes.length, 0);
  const file = new Uint8Array(PREFIX_BYTES + headerBytes + size);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, PREFIX_BYTES, PREFIX_BYTES + headerBytes);
  file.set(header, PREFIX_BYTES);
  let offset = PREFIX_BYTES + headerBytes;
  for (const [, { bytes }] of sorted) {
    file.set(bytes, offset);
    offset += bytes.length;
  }
  return file;
}

function headerText(
  sorted: readonly (readonly [string, SafetensorsEntry])[],
  metadata: ReadonlyMap<string, string> | Readonly<Record<string, string>>,
): string {
  const notes = metadata instanceof Map ? [...metadata] : Object.entries(metadata);
  const fields: string[] = [];
  if (notes.length > 0) {
    for (const [name, text] of notes) {
      if (typeof text !== 'string') throw new ArgumentError(`safetensors: metadata are texts, but '${name}' is a ${typeof text}`);
    }
    const texts = notes.sort(([first], [second]) => compareText(first, second));
    fields.push(`"${METADATA}":{${texts.map(([name, text]) => `${JSON.stringify(name)}:${JSON.stringify(text)}`).join(',')}}`);
  }
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of sorted) {
    const value = { dtype: codeOf.get(dtype), shape, data_offsets: [offset, offset + bytes.length] };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
    offset += bytes.length;
  }
  return `{${fields.join(',')}}`;
}

function checkEntry(name: string, { dtype, shape, bytes }: SafetensorsEntry): void {
  if (name === METADATA) throw new ArgumentError(`safetensors: no tensor can have the name '${METADATA}'`);
  if (!codeOf.has(dtype)) throw new DTypeError(`safetensors: the format has no ${dtype}, the dtype of '${name}'; convert it first`);
  const expected = dtypeInfo(dtype).itemsize * shape.reduce((product, length) => product * length, 1);
  if (bytes.length !== expected) {
    throw new ArgumentError(
      `safetensors: '${name}' of shape [${shape.join(', ')}] and ${dtype} needs ${expected} bytes, got ${bytes.length}`,
    );
  }
}

/** By code points of UTF-8, as other writers sort; not by locale. */
function compareText(first: string, second: string): number {
  const a = [...first];
  const b = [...second];
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const difference = a[index]!.codePointAt(0)! - b[index]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/**
 * Reads a safetensors file. The tensors' bytes are views of `file`, not copies, and may lie at any address.
 *
 * @throws FormatError with the reason if the file is damaged, cut off, or not a safetensors file.
 * @throws DTypeError if it holds a dtype that we do not have.
 * @example
 * // not run: it needs a file
 * const { tensors, metadata } = decodeSafetensors(await readBytes('model.safetensors'));
 * tensors.get('weight')?.shape;
 */
export function decodeSafetensors(file: Uint8Array): SafetensorsFile {
  const { header, dataStart } = readHeader(file);
  const size = file.length - dataStart;
  const metadata = new Map<string, string>();
  const found: { name: string; entry: SafetensorsEntry; begin: number; end: number }[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA) {
      for (const [key, text] of Object.entries(metadataOf(value))) metadata.set(key, text);
      continue;
    }
    const { dtype, shape, begin, end } = checkedFields(name, value, size);
    found.push({ name, entry: { dtype, shape, bytes: file.subarray(dataStart + begin, dataStart + end) }, begin, end });
  }
  found.sort((first, second) => first.begin - second.begin || first.end - second.end);
  checkGapless(found, size);
  return { tensors: new Map(found.map(({ name, entry }) => [name, entry])), metadata };
}

function refuse(reason: string): never {
  throw new FormatError(`safetensors: ${reason}`);
}

function readHeader(file: Uint8Array): { header: Record<string, unknown>; dataStart: number } {
  if (file.length < PREFIX_BYTES) refuse(`the file has ${file.length} bytes, too few for the length of a header`);
  const length = new DataView(file.buffer, file.byteOffset, file.byteLength).getBigUint64(0, true);
  if (length > BigInt(LONGEST_HEADER)) refuse(`the header would have ${length} bytes, more than the ${LONGEST_HEADER} allowed`);
  const dataStart = PREFIX_BYTES + Number(length);
  if (dataStart > file.length) refuse(`the header would have ${length} bytes, but the file ends after ${file.length - PREFIX_BYTES}`);
  if (file[PREFIX_BYTES] !== 0x7b || length < 2n) refuse("the header does not begin with '{'");
  return { header: parseHeader(file.subarray(PREFIX_BYTES, dataStart)), dataStart };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse('the header is not UTF-8');
  }
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    return refuse(`the header is not JSON: ${(error as Error).message}`);
  }
  if (!isObject(header)) return refuse('the header is not an object');
  const duplicate = duplicateKey(text);
  if (duplicate !== null) refuse(`the header has '${duplicate}' twice`);
  return header;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function metadataOf(value: unknown): Record<string, string> {
  if (!isObject(value)) return refuse(`${METADATA} is not an object`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') refuse(`${METADATA} holds texts, but '${key}' is not one`);
  }
  return value as Record<string, string>;
}

function checkedFields(name: string, value: unknown, size: number): { dtype: DType; shape: number[]; begin: number; end: number } {
  if (!isObject(value)) return refuse(`'${name}' is not an object`);
  for (const key of Object.keys(value)) {
    if (key !== 'dtype' && key !== 'shape' && key !== 'data_offsets') refuse(`'${name}' has an unknown field '${key}'`);
  }
  const { dtype: code, shape, data_offsets: offsets } = value;
  if (typeof code !== 'string') return refuse(`'${name}' has no dtype`);
  const dtype = dtypeOf.get(code);
  if (dtype === undefined)
    throw new DTypeError(`safetensors: '${name}' is of dtype ${code}; supported are ${[...dtypeOf.keys()].join(', ')}`);
  if (!isCounts(shape)) return refuse(`the shape of '${name}' is not a list of whole numbers of at least 0`);
  if (!isCounts(offsets) || offsets.length !== 2) return refuse(`the data_offsets of '${name}' are not two whole numbers of at least 0`);
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > size) refuse(`'${name}' would lie at bytes ${begin} to ${end} of ${size}`);
  // Exact or too large: a product of whole numbers only loses digits where it is beyond any file.
  const expected = shape.includes(0) ? 0 : dtypeInfo(dtype).itemsize * shape.reduce((product, length) => product * length, 1);
  if (expected !== end - begin) {
    refuse(`'${name}' of shape [${shape.join(', ')}] and dtype ${code} needs ${expected} bytes, but its data_offsets hold ${end - begin}`);
  }
  return { dtype, shape, begin, end };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((each) => Number.isSafeInteger(each) && each >= 0);
}

function checkGapless(sorted: readonly { name: string; begin: number; end: number }[], size: number): void {
  let position = 0;
  let previous = '';
  for (const { name, begin, end } of sorted) {
    if (begin < position) refuse(`'${previous}' and '${name}' overlap: '${name}' begins at byte ${begin}, before byte ${position}`);
    if (begin > position) refuse(`bytes ${position} to ${begin} before '${name}' belong to no tensor`);
    position = end;
    previous = name;
  }
  if (position !== size) refuse(`bytes ${position} to ${size} at the end belong to no tensor`);
}
