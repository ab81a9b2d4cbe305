import { AutogradError, autograd, noGrad, ones, tensor } from 'nabla';
import { afterEach, describe, expect, test } from 'vitest';

function overwriteWhatWasSaved(): void {
  const y = ones([2], { requiresGrad: true }).mul(1).exp();
  y.add_(1);
  y.sum().backward();
}

function messageOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    expect(error).toBeInstanceOf(AutogradError);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

afterEach(() => autograd.setDetectAnomaly(false));

describe('errors about overwritten values', () => {
  test('say how to get the places in the code', () => {
    expect(messageOf(overwriteWhatWasSaved)).toContain('autograd.detectAnomaly(() => …)');
  });

  test('show both places while anomalies are looked for', () => {
    const [, recorded, written] = messageOf(() => autograd.detectAnomaly(overwriteWhatWasSaved)).split(/\nIt was \w+ here:\n/);
    expect(recorded?.split('\n')[0]).toMatch(/overwriteWhatWasSaved .*anomaly\.test\.ts:5/);
    expect(written?.split('\n')[0]).toMatch(/overwriteWhatWasSaved .*anomaly\.test\.ts:6/);
    expect(autograd.isAnomalyEnabled()).toBe(false);
  });
});

describe('NaN', () => {
  const indefinite = (): void => tensor(0, { requiresGrad: true }).sqrt().mul(0).backward();

  test('in a gradient is an error then', () => {
    expect(indefinite).not.toThrow();
    expect(messageOf(() => autograd.detectAnomaly(indefinite))).toMatch(
      /^SqrtBackward: returned NaN in the gradient of its input 0.*\nIt was recorded here:\n.*indefinite/,
    );
  });

  test('can be let through', () => {
    expect(() => autograd.detectAnomaly(indefinite, { checkNan: false })).not.toThrow();
  });

  test('of integer or missing gradients is none', () => {
    autograd.setDetectAnomaly(true);
    const x = ones([2], { requiresGrad: true });
    x.max(0).values.backward();
    noGrad(() => x.mul(Number.NaN));
    expect(x.grad?.toArray()).toEqual([1, 0]);
  });
});

test('an asynchronous body is refused', () => {
  expect(() => autograd.detectAnomaly(async () => 0)).toThrow(/synchronous/);
  expect(autograd.isAnomalyEnabled()).toBe(false);
});
