import { expect, test } from 'vitest';
import { runExample } from './example.ts';

const scope = { add: (a: number, b: number) => a + b, pair: () => [1, 0.25], default: 1, later: async () => 3 };

test('promises that are kept', async () => {
  expect(await runExample(`import { add } from 'nabla';\nconst x = add(1, 2);   // 3\nx;   // 3, as everybody knows`, scope)).toEqual([]);
  expect(
    await runExample('console.log(pair());\n// [1, 0.25]\nadd(1, 1 / 3); // 1.3333\nawait later(); // 3\nlater(); // 3', scope),
  ).toEqual([]);
  expect(await runExample('add(1, 2);   // what a sum is', scope)).toEqual([]);
  expect(
    await runExample("'tensor([[6., 6.],\\n        [6., 6.]])'.slice();   // 'tensor([[6., 6.],\n //         [6., 6.]])'", scope),
  ).toEqual([]);
});

test('promises that are broken', async () => {
  expect(await runExample('const add = (a: number): number => a; add(1);   // 3', scope)).toEqual([
    { code: 'add(1);', expected: '3', got: '1' },
  ]);
  expect(await runExample('pair();   // [1, 0.5]', scope)).toEqual([{ code: 'pair();', expected: '[1, 0.5]', got: '[1, 0.25]' }]);
});

test('an example that throws', async () => {
  await expect(runExample('nothing();', scope)).rejects.toThrow('nothing is not defined');
});
