import { expect, test } from 'vitest';
import { ArgumentError, optim, type Tensor, tensor } from '../../src/index.ts';

/** A banana-shaped valley (Rosenbrock, 1960) in four variables. */
function trained(options: optim.LBFGSOptions): { readonly losses: number[]; readonly x: Tensor; readonly optimizer: optim.LBFGS } {
  const x = tensor([-1.2, 1, 0.5, 2], { dtype: 'float64', requiresGrad: true }) as Tensor;
  const optimizer = new optim.LBFGS([x], options);
  const closure = (): Tensor => {
    optimizer.zeroGrad();
    const [a, b] = [x.narrow(0, 1, 3), x.narrow(0, 0, 3)];
    const loss = a.sub(b.pow(2)).pow(2).mul(100).add(b.neg().add(1).pow(2)).sum() as Tensor;
    loss.backward();
    return loss;
  };
  return { losses: Array.from({ length: 6 }, () => Number(optimizer.step(closure).item())), x, optimizer };
}

/** Numbers made by PyTorch 2.13. */
test('LBFGS goes where PyTorch goes, with steps of fixed size and with a line search', () => {
  const fixed = trained({ lr: 0.002 });
  [355.7, 202.421541666848, 153.456288429414, 124.235176374177, 103.939743385634, 88.750573427137].forEach((loss, i) => {
    expect(fixed.losses[i]).toBeCloseTo(loss, 8);
  });
  const searched = trained({ lineSearchFn: 'strong_wolfe', historySize: 3 });
  [355.7, 3.8327089004018, 3.7014286107346, 3.7014286107346].forEach((loss, i) => {
    expect(searched.losses[i]).toBeCloseTo(loss, 8);
  });
  const state = searched.optimizer.stateDict().state[0] as Record<string, unknown>;
  expect([state['n_iter'], state['func_evals']]).toEqual([44, 52]);
  expect((state['old_dirs'] as unknown[]).length).toBe(3);
});

test('LBFGS needs a closure, one group, and a line search that there is', () => {
  const w = tensor([1], { requiresGrad: true }) as Tensor;
  expect(() => new optim.LBFGS([w]).step(undefined as never)).toThrow(ArgumentError);
  const other = tensor([1], { requiresGrad: true }) as Tensor;
  expect(() => new optim.LBFGS([{ params: [w] }, { params: [other] }])).toThrow(/one group/);
  expect(() => new optim.LBFGS([w], { lineSearchFn: 'armijo' as never })).toThrow(/strong_wolfe/);
});
