import { expect, test } from 'vitest';
import { mathImport } from '../../src/kernel/math-imports.ts';
import { FunctionBuilder, type Instruction } from '../../src/kernel/wasm/encoder.ts';
import { instantiate } from '../../src/kernel/wasm/instantiate.ts';
import { INSTRUCTIONS } from '../../src/kernel/wasm/opcodes.ts';

const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });

test('a vector loop adds two arrays', () => {
  const f = new FunctionBuilder('add', ['i32', 'i32', 'i32', 'i32']);
  f.loop((next) => {
    f.get(1).get(2).load('v128.load').get(3).load('v128.load').op('f32x4.add').store('v128.store');
    for (const pointer of [1, 2, 3]) f.get(pointer).i32(16).op('i32.add').set(pointer);
    f.get(0).i32(4).op('i32.sub').tee(0).brIf(next);
  });
  const values = new Float32Array(memory.buffer);
  values.set([1, 2, 3, 4, 5, 6, 7, 8], 64);
  values.set([10, 20, 30, 40, 50, 60, 70, 80], 128);
  const { add } = instantiate([f], memory);
  add?.(8, 1024, 256, 512);
  expect([...values.subarray(256, 264)]).toEqual([11, 22, 33, 44, 55, 66, 77, 88]);
});

test('calls reach imports and functions of the same module', () => {
  const square = new FunctionBuilder('square', ['f64'], ['f64'], false);
  square.get(0).get(0).op('f64.mul');
  const f = new FunctionBuilder('f', ['f64'], ['f64']);
  f.get(0).call(square).call(mathImport('sin', 1)).get(0).f64(2).call(mathImport('pow', 2)).op('f64.add');
  const exports = instantiate([f], memory);
  expect(exports.f?.(3)).toBe(Math.sin(9) + 9);
  expect(exports.square).toBeUndefined();
});

test('blocks carry values and labels', () => {
  const f = new FunctionBuilder('f', ['i32'], ['i32']);
  const sum = f.local('i32');
  f.block((done) => {
    f.loop((next) => {
      f.get(0).op('i32.eqz').brIf(done);
      f.get(sum).get(0).op('i32.add').set(sum);
      f.get(0).i32(1).op('i32.sub').set(0).br(next);
    });
  });
  f.get(sum)
    .i32(10)
    .op('i32.gt_s')
    .if(
      () => f.get(sum),
      () => f.i32(-1),
      'i32',
    );
  const exports = instantiate([f], memory);
  expect(exports.f?.(10)).toBe(55);
  expect(exports.f?.(2)).toBe(-1);
});

/** The stack signature of an instruction, derived from its name: enough to check each opcode against the engine's validator. */
function signature(name: Instruction): { operands: string[]; result: string | null } | null {
  const [type = '', operation = ''] = name.split('.');
  if (operation === '') return null;
  const vector = type.includes('x') || type === 'v128';
  const own = vector ? 'v128' : type;
  if (/^(any_true|all_true|bitmask)$/.test(operation)) return { operands: ['v128'], result: 'i32' };
  if (operation === 'splat') {
    const lane = { i8x16: 'i32', i16x8: 'i32', i32x4: 'i32', i64x2: 'i64', f32x4: 'f32', f64x2: 'f64' }[type] ?? '';
    return { operands: [lane], result: 'v128' };
  }
  if (vector && /^sh[lr]/.test(operation)) return { operands: ['v128', 'i32'], result: 'v128' };
  if (/relaxed|bitselect/.test(operation)) return { operands: ['v128', 'v128', 'v128'], result: 'v128' };
  const source = /_([if](?:32|64))(?:_[su])?$/.exec(operation)?.[1];
  if (!vector && source !== undefined) return { operands: [source], result: type };
  const oneOperand =
    /^(abs|neg|sqrt|ceil|floor|trunc|nearest|not|popcnt|clz|ctz|eqz|extend(8|16|32)_s|extend_.*|extadd.*|convert.*|trunc_sat.*|demote.*|promote.*)$/;
  const compares = /^(eqz|eq|ne|lt|gt|le|ge)(_[su])?$/.test(operation);
  const result = !vector && compares ? 'i32' : own;
  return oneOperand.test(operation) ? { operands: [own], result } : { operands: [own, own], result };
}

test('every opcode has the signature that its name promises', () => {
  const wrong: string[] = [];
  for (const name of Object.keys(INSTRUCTIONS) as Instruction[]) {
    const types = signature(name);
    if (types === null || name.includes('relaxed')) continue;
    const f = new FunctionBuilder('f', types.operands as never, [types.result] as never);
    types.operands.forEach((_, i) => {
      f.get(i);
    });
    f.op(name);
    try {
      instantiate([f], memory);
    } catch (error) {
      wrong.push(`${name}: ${(error as Error).message}`);
    }
  }
  expect(wrong).toEqual([]);
});
