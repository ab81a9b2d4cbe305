// The lesson of the README, as a user of the installed package writes it.
import { ones, tensor, Variable } from 'nabla';

export interface Lesson {
  readonly grad: unknown;
  readonly product: unknown;
  readonly printed: string;
}

export function lesson(): Lesson {
  const a = new Variable(ones([2, 2]), { requiresGrad: true });
  const out = a.add(2).pow(2).sum();
  out.backward();

  const x = ones([3], { requiresGrad: true });
  x.pow(2)
    .add(3)
    .backward(tensor([0.5, 1, 8]));

  return { grad: a.grad?.toArray(), product: x.grad?.toArray(), printed: String(a.grad) };
}
