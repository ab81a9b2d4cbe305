/** The repository's own part of the golden vectors: the library passes at least as many as are recorded. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadLibrary } from './load.ts';
import { fallenColumns, readRecorded, toRecord } from './ratchet.ts';
import { Runner } from './run.ts';
import { VectorSet } from './vectors.ts';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

test('no column falls below what is recorded', { timeout: 300_000 }, async () => {
  const vectors = new VectorSet(path('../vectors'));
  const runner = new Runner(await loadLibrary(), vectors);
  await runner.everything();
  expect(fallenColumns(toRecord(runner.run.counts), readRecorded(path('recorded.json')).subset)).toEqual([]);
});
