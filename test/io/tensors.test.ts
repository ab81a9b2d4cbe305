import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type DType, ones, randn, type Tensor, tensor } from '../../src/index.ts';
import { FormatError, fromSafetensors, loadSafetensors, saveSafetensors, toSafetensors } from '../../src/io/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'tensors-'));

describe('tensors in safetensors', () => {
  test.each(['float32', 'float64', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool'] as DType[])(
    'keep shape, dtype and bits: %s',
    (dtype) => {
      const x = tensor(
        [
          [0, 1, 3],
          [2, 1, 0],
        ],
        { dtype: 'float64' },
      ).to(dtype) as Tensor;
      const again = fromSafetensors(toSafetensors({ x })).get('x') as Tensor;
      expect([again.dtype, again.shape, again.toArray()]).toEqual([dtype, [2, 3], x.toArray()]);
    },
  );

  test('are written as they are seen, whatever their strides', () => {
    const x = randn([3, 4]);
    const state = fromSafetensors(
      toSafetensors(
        new Map([
          ['t', x.t() as Tensor],
          ['row', x.select(0, 1) as Tensor],
          ['scalar', tensor(2) as Tensor],
        ]),
      ),
    );
    expect((state.get('t') as Tensor).toArray()).toEqual(x.t().toArray());
    expect((state.get('row') as Tensor).toArray()).toEqual(x.select(0, 1).toArray());
    expect((state.get('scalar') as Tensor).shape).toEqual([]);
  });

  test('go through a file, which is replaced as a whole', async () => {
    const path = join(folder, 'model.safetensors');
    await saveSafetensors(path, { x: ones([2]) }, { format: 'pt' });
    await saveSafetensors(path, { x: ones([3]) });
    expect((await loadSafetensors(path)).get('x')?.toArray()).toEqual([1, 1, 1]);
    expect(readdirSync(folder)).toEqual(['model.safetensors']);
  });

  test('a file that is cut off is refused with the reason', async () => {
    const path = join(folder, 'cut.safetensors');
    await saveSafetensors(path, { x: ones([100]) });
    const whole = readFileSync(path);
    for (const length of [0, 7, 20, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, length));
      await expect(loadSafetensors(path)).rejects.toThrow(FormatError);
      await expect(loadSafetensors(path)).rejects.toThrow(/^safetensors: /);
    }
  });

  test('what cannot be written leaves the old file alone', async () => {
    const path = join(folder, 'kept.safetensors');
    await saveSafetensors(path, { x: ones([2]) });
    await expect(saveSafetensors(path, { x: 'no tensor' as never })).rejects.toThrow();
    expect((await loadSafetensors(path)).get('x')?.toArray()).toEqual([1, 1]);
  });
});
