/** What is on the prototype of a tensor and what the compiler believes to be there. */
import { ones, Tensor } from 'nabla';
import { beforeAll, expect, test } from 'vitest';
import { COMPILERS, type Compiler, checkProgram, emitDeclarations } from './compilers.ts';

beforeAll(emitDeclarations, 180_000);

test('every attached member is declared, and every declared one attached', { timeout: 120_000 }, async () => {
  const attached = [...Object.getOwnPropertyNames(Tensor.prototype), ...Object.getOwnPropertyNames(ones([1]))];
  const names = attached.filter((name) => name !== 'constructor').map((name) => `'${name}'`);
  const reports = await checkProgram(
    [
      "import type { Tensor } from 'nabla'; import { same } from '../../test/types/assert.ts';",
      `type Attached = ${names.join(' | ')};`,
      'same<Exclude<Attached, keyof Tensor>, never>();',
      'same<Exclude<keyof Tensor & string, Attached>, never>();',
    ].join('\n'),
  );
  for (const compiler of Object.keys(COMPILERS) as Compiler[]) expect(reports[compiler].output.match(/.*error TS.*/g) ?? []).toEqual([]);
});
