import { expect } from 'vitest';
import { NablaError, ones, type Tensor } from '../../src/index.ts';

/** Ones that want a gradient, as the recorded behaviours use them. */
export function leaf(...shape: number[]): Tensor {
  return ones(shape, { dtype: 'float64', requiresGrad: true });
}

/** The sum of all elements, as a number of one element. */
export function total(x: Tensor): Tensor {
  return x.sum();
}

/** Expects one of the library's errors, of the class named, with a message that says what to do. */
export function refused(body: () => unknown, name: string, message: RegExp = /\w/): void {
  let thrown: unknown = null;
  try {
    body();
  } catch (error) {
    thrown = error;
  }
  expect(thrown, 'nothing was refused').toBeInstanceOf(NablaError);
  expect((thrown as Error).name).toBe(name);
  expect((thrown as Error).message).toMatch(message);
}

/** The elements as nested arrays; null stays. */
export function values(x: Tensor | null | undefined): unknown {
  return x === null || x === undefined ? null : x.toArray();
}
