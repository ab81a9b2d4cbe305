import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import * as nabla from 'nabla';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callsOf } from '../generated/calls.ts';
import { collect } from '../generated/operators.ts';
import { repository } from '../support/found.ts';

/** Two copies of the library in one program cannot share tensors, whose memories differ: every door says so. */
let other: typeof nabla;
const folder = mkdtempSync(join(tmpdir(), 'nabla-copy-'));

beforeAll(async () => {
  const outfile = join(folder, 'copy.mjs');
  await build({
    entryPoints: [join(repository, 'src/index.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile,
    logLevel: 'error',
  });
  other = (await import(/* @vite-ignore */ pathToFileURL(outfile).href)) as typeof nabla;
});
afterAll(() => rmSync(folder, { recursive: true }));

const REASON = /another copy of nabla/;

describe('a tensor of another copy of the library', () => {
  test.each<[string, (x: nabla.Tensor, foreign: nabla.Tensor) => unknown]>([
    ['a method', (x, foreign) => x.add(foreign)],
    ['a method in place', (x, foreign) => x.add_(foreign)],
    ['a method that takes tensors as indices', (x, foreign) => x.maskedFill(foreign.gt(0), 1)],
    ['a cast', (x, foreign) => x.to(foreign)],
    ['tensor', (_, foreign) => nabla.tensor(foreign as never)],
    ['tensor of a list', (_, foreign) => nabla.tensor([foreign] as never)],
    ['full', (_, foreign) => nabla.full([2], foreign as never)],
    ['Variable', (_, foreign) => nabla.Variable(foreign)],
    ['data', (x, foreign) => Object.assign(x, { data: foreign })],
    ['grad', (x, foreign) => Object.assign(x, { grad: foreign })],
    ['detach', (_, foreign) => nabla.detach(foreign)],
    ['numel', (_, foreign) => nabla.numel(foreign)],
    ['backward', (_, foreign) => nabla.backward(foreign)],
    ['a gradient', (x, foreign) => x.requiresGrad_().mul(1).backward(foreign)],
    ['autograd.grad', (x, foreign) => nabla.autograd.grad(x.requiresGrad_().sum(), [foreign])],
    ['vmap', (_, foreign) => nabla.vmap((y) => y)(foreign)],
    ['what vmap gets back', (x, foreign) => nabla.vmap(() => foreign)(x)],
    ['jvp', (_, foreign) => nabla.jvp((y) => y, [foreign], [null])],
    ['a tangent', (x, foreign) => nabla.jvp((y) => y, [x], [foreign])],
    ['a module', (_, foreign) => new nabla.nn.Linear(2, 2).forward(foreign)],
    ['a parameter', (_, foreign) => new nabla.nn.Parameter(foreign)],
    ['an optimizer', (_, foreign) => new nabla.optim.SGD([foreign], { lr: 1 })],
    ['the state of the generator', () => nabla.setRngState(other.getRngState())],
  ])('is refused with the reason by %s', (_name, use) => {
    expect(() => use(nabla.ones([2]), other.ones([2]))).toThrow(REASON);
  });

  test('is not taken for ours', () => {
    expect(nabla.isTensor(other.ones([1]))).toBe(false);
    expect(other.isTensor(nabla.ones([1]))).toBe(false);
    expect(other.ones([1])).not.toBeInstanceOf(nabla.Tensor);
  });

  test('is refused with the reason by every operator, in every place', () => {
    const findings: string[] = [];
    for (const entry of collect()) {
      for (const call of callsOf(entry)) {
        for (const place of call.slots.keys()) {
          const tensors: unknown[] = call.tensors();
          const slot = call.slots[place];
          tensors[place] = other.zeros(slot?.shape ?? [], { dtype: slot?.dtype ?? 'float32' });
          const name = `${entry.description.name}, ${call.label}, tensor ${place}`;
          try {
            call.invoke(tensors as never);
            findings.push(`${name}: accepted`);
          } catch (error) {
            if (!REASON.test((error as Error).message)) findings.push(`${name}: ${(error as Error).message}`);
          }
        }
      }
    }
    expect(findings.slice(0, 40)).toEqual([]);
  });
});

test('errors of another copy are known by their code', () => {
  try {
    other.sin(1 as never);
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ name: 'ArgumentError', code: 'ARGUMENT' });
  }
});

test('values cross over as bytes', () => {
  const x = other.tensor([[1, 2]]);
  expect(nabla.fromBytes(x.toBytes(), x.shape, x.dtype).toArray()).toEqual([[1, 2]]);
});
