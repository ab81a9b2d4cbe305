import { autograd, tensor } from 'nabla';

function recordHere(x) {
  // In a list, since Bun has no frame for a function whose last act is a call.
  return [x.exp()];
}

function writeHere(y) {
  y.add_(1);
  return y.version;
}

const x = tensor([1, 2], { requiresGrad: true });
try {
  autograd.detectAnomaly(() => {
    const [y] = recordHere(x);
    writeHere(y);
    y.sum().backward();
  });
} catch (error) {
  console.log(error.message);
}
