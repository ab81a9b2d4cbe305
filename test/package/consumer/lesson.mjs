// lesson.ts without types, run as it is by every runtime; prints one line of JSON.
import { ones, tensor, Variable } from 'nabla';

const a = new Variable(ones([2, 2]), { requiresGrad: true });
const out = a.add(2).pow(2).sum();
out.backward();

const x = ones([3], { requiresGrad: true });
x.pow(2)
  .add(3)
  .backward(tensor([0.5, 1, 8]));

console.log(JSON.stringify({ grad: a.grad.toArray(), product: x.grad.toArray(), printed: String(a.grad) }));
