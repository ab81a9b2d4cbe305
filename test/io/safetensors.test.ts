import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeSafetensors, encodeSafetensors, type SafetensorsEntry } from '../../src/io/safetensors.ts';
import { DTypeError } from '../../src/util/errors.ts';

// Written by the reference implementation (safetensors 0.8 of Python): fourteen tensors, one of each dtype, odd names, an empty one, metadata.
const official = new Uint8Array(readFileSync(new URL('./data/official.safetensors', import.meta.url)));

const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

const entry = (values: Float32Array, shape = [values.length]): SafetensorsEntry => ({ dtype: 'float32', shape, bytes: bytesOf(values) });

/** A file of this header, as text or value, and `size` bytes of elements. */
function fileOf(header: unknown, size = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + size);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

const field = (begin: number, end: number, shape: unknown = [end - begin], dtype: unknown = 'U8'): object => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('safetensors', () => {
  test('reads what the reference implementation writes', () => {
    const { tensors, metadata } = decodeSafetensors(official);
    expect(metadata).toEqual(
      new Map([
        ['a', 'ü'],
        ['format', 'pt'],
      ]),
    );
    expect(tensors.size).toBe(14);
    const weight = tensors.get('weight')!;
    expect([weight.dtype, weight.shape]).toEqual(['float32', [2, 3]]);
    expect(new Float32Array(weight.bytes.slice().buffer)).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6.5));
    expect(tensors.get('steps')).toEqual({ dtype: 'int64', shape: [], bytes: bytesOf(BigInt64Array.of(2n ** 60n)) });
    expect(tensors.get('empty')).toEqual({ dtype: 'float32', shape: [0, 4], bytes: new Uint8Array(0) });
    expect(tensors.get('naïve "q" \u{1f600}')?.bytes).toEqual(Uint8Array.of(97, 98));
  });

  test('writes what the reference implementation writes, in whatever order the tensors come', () => {
    const { tensors, metadata } = decodeSafetensors(official);
    expect(encodeSafetensors(tensors, metadata)).toEqual(official);
    expect(encodeSafetensors(new Map([...tensors].reverse()), { format: 'pt', a: 'ü' })).toEqual(official);
  });

  test('an empty file', () => {
    const file = encodeSafetensors(new Map());
    expect(file).toEqual(fileOf('{}      '));
    expect(decodeSafetensors(file)).toEqual({ tensors: new Map(), metadata: new Map() });
  });

  test('reads a file that lies within a larger buffer', () => {
    const file = encodeSafetensors(new Map([['x', entry(Float32Array.of(1, 2))]]));
    const larger = new Uint8Array(file.length + 7);
    larger.set(file, 3);
    expect(decodeSafetensors(larger.subarray(3, 3 + file.length)).tensors.get('x')?.bytes).toEqual(bytesOf(Float32Array.of(1, 2)));
  });

  test('a tensor may be called __proto__', () => {
    const file = encodeSafetensors(new Map([['__proto__', entry(Float32Array.of(1))]]));
    expect([...decodeSafetensors(file).tensors.keys()]).toEqual(['__proto__']);
  });

  test.each<[string, SafetensorsEntry, RegExp]>([
    ['__metadata__', entry(Float32Array.of(1)), /__metadata__/],
    ['x', entry(Float32Array.of(1), [2]), /'x' of shape \[2\] and float32 needs 8 bytes, got 4/],
    ['x', { dtype: 'complex128', shape: [1], bytes: new Uint8Array(16) }, /no complex128/],
  ])('refuses to write %s wrongly', (name, wrong, message) => {
    expect(() => encodeSafetensors(new Map([[name, wrong]]))).toThrow(message);
  });
});

describe('damaged safetensors are refused with the reason', () => {
  const long = new Uint8Array(16);
  new DataView(long.buffer).setBigUint64(0, 2n ** 40n, true);
  const notText = fileOf('{"a": "??"}');
  notText.set([0xff, 0xfe], notText.length - 4);

  test.each<[string, Uint8Array, RegExp]>([
    ['no header length', new Uint8Array(5), /5 bytes, too few/],
    ['header too long to be one', long, /more than the 100000000 allowed/],
    ['header cut off', fileOf('{}   ').subarray(0, 11), /header would have 5 bytes, but the file ends after 3/],
    ['no header', fileOf(''), /does not begin with '{'/],
    ['header is a list', fileOf('[]'), /does not begin with '{'/],
    ['header begins with a blank', fileOf(' {}'), /does not begin with '{'/],
    ['header is not UTF-8', notText, /not UTF-8/],
    ['header is not JSON', fileOf('{"a":}'), /not JSON/],
    ['something after the header', fileOf('{}}'), /not JSON/],
    [
      'a name twice',
      fileOf('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"\\u0061":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}', 1),
      /'a' twice/,
    ],
    ['a field twice', fileOf('{"a":{"dtype":"U8","dtype":"I8","shape":[],"data_offsets":[0,1]}}', 1), /'dtype' twice/],
    ['metadata is a list', fileOf({ __metadata__: [] }), /__metadata__ is not an object/],
    ['metadata holds a number', fileOf({ __metadata__: { a: 1 } }), /'a' is not one/],
    ['tensor is a number', fileOf({ a: 1 }), /'a' is not an object/],
    ['unknown field', fileOf({ a: { ...field(0, 1), extra: 1 } }, 1), /unknown field 'extra'/],
    ['no dtype', fileOf({ a: { shape: [], data_offsets: [0, 1] } }, 1), /no dtype/],
    ['no shape', fileOf({ a: { dtype: 'U8', data_offsets: [0, 1] } }, 1), /shape of 'a'/],
    ['negative length', fileOf({ a: field(0, 1, [-1]) }, 1), /shape of 'a'/],
    ['fractional length', fileOf({ a: field(0, 1, [0.5]) }, 1), /shape of 'a'/],
    ['one offset', fileOf({ a: { dtype: 'U8', shape: [1], data_offsets: [0] } }, 1), /data_offsets of 'a'/],
    ['negative offset', fileOf({ a: field(-1, 0) }, 1), /data_offsets of 'a'/],
    ['offsets out of order', fileOf({ a: field(1, 0, [1]) }, 1), /bytes 1 to 0 of 1/],
    ['beyond the end', fileOf({ a: field(0, 4) }, 3), /bytes 0 to 4 of 3/],
    ['shape and offsets differ', fileOf({ a: field(0, 4, [2], 'F32') }, 4), /needs 8 bytes, but its data_offsets hold 4/],
    ['shape beyond any file', fileOf({ a: field(0, 0, [2 ** 40, 2 ** 40]) }), /needs 1\.2\d*e\+24 bytes/],
    ['overlap', fileOf({ a: field(0, 2), b: field(1, 3) }, 3), /'a' and 'b' overlap: 'b' begins at byte 1, before byte 2/],
    ['hole', fileOf({ a: field(0, 1), b: field(2, 3) }, 3), /bytes 1 to 2 before 'b' belong to no tensor/],
    ['hole at the beginning', fileOf({ a: field(1, 2) }, 2), /bytes 0 to 1 before 'a'/],
    ['more bytes than tensors', fileOf({ a: field(0, 1) }, 3), /bytes 1 to 3 at the end/],
  ])('%s', (_, file, reason) => {
    expect(() => decodeSafetensors(file)).toThrow(expect.objectContaining({ name: 'FormatError', message: expect.stringMatching(reason) }));
  });

  test('a dtype that we do not have is a DTypeError', () => {
    expect(() => decodeSafetensors(fileOf({ a: field(0, 1, [1], 'F8_E4M3') }, 1))).toThrow(DTypeError);
  });

  test('a file cut off anywhere is refused', () => {
    for (let length = 0; length < official.length; length++) {
      expect(() => decodeSafetensors(official.subarray(0, length))).toThrow(/safetensors/);
    }
  });
});
