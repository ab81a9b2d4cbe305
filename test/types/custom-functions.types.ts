/** Custom functions: what apply takes and returns, and wrong numbers of gradients where they can be known. */

import { autograd, ones, type Tensor } from 'nabla';
import { same } from './assert.ts';

type Context = autograd.FunctionContext;
const x = ones([2]);

class Scale extends autograd.Function {
  static forward(_context: Context, a: Tensor, factor: number) {
    return a.mul(factor) as Tensor;
  }
  static backward(_context: Context, g: Tensor): [Tensor, null] {
    return [g, null];
  }
}
const scaled = Scale.apply(x, 3);
same<typeof scaled, Tensor>();
// @ts-expect-error the factor is missing
Scale.apply(x);
// @ts-expect-error the factor is a number
Scale.apply(x, x);

// The arguments are those of forward alone where setupContext is there.
class Separate extends autograd.Function {
  static forward(a: Tensor, b: Tensor, name: string): [Tensor, string] {
    return [a.add(b), name];
  }
  static setupContext(context: Context, [a, b]: [Tensor, Tensor, string], _output: [Tensor, string]) {
    context.saveForBackward(a, b);
  }
  static backward(_context: Context, g: Tensor): [Tensor, Tensor, null] {
    return [g, g, null];
  }
}
const [sum, name] = Separate.apply(x, x, 'text');
same<typeof sum, Tensor>();
same<typeof name, string>();
// @ts-expect-error two tensors and a name
Separate.apply(x, x);

// ---------------------------------------------------------------- how many gradients
class TooFew extends Scale {
  static override backward(_context: Context, g: Tensor): never {
    throw g;
  }
}
TooFew.apply(x, 3);

abstract class Sum extends autograd.Function {
  static forward(_context: Context, a: Tensor, b: Tensor) {
    return a.add(b) as Tensor;
  }
}
class One extends Sum {
  static backward(_context: Context, g: Tensor) {
    return g;
  }
}
// @ts-expect-error one gradient for two arguments
One.apply(x, x);
class Single extends Sum {
  static backward(_context: Context, g: Tensor): [Tensor] {
    return [g];
  }
}
// @ts-expect-error one gradient for two arguments
Single.apply(x, x);
class Three extends Sum {
  static backward(_context: Context, g: Tensor): [Tensor, Tensor, Tensor] {
    return [g, g, g];
  }
}
// @ts-expect-error three gradients for two arguments
Three.apply(x, x);
class AndNull extends Sum {
  static backward(_context: Context, g: Tensor): [Tensor, Tensor, null] {
    return [g, g, null];
  }
}
AndNull.apply(x, x);
class Constants extends Sum {
  static backward(_context: Context, g: Tensor) {
    return [g, null] as const;
  }
}
Constants.apply(x, x);
class ForNumber extends autograd.Function {
  static forward(_context: Context, a: Tensor, factor: number) {
    return a.mul(factor) as Tensor;
  }
  static vjp(_context: Context, g: Tensor): [Tensor, Tensor] {
    return [g, g];
  }
}
// @ts-expect-error a number has no gradient
ForNumber.apply(x, 3);

// Where the number is not known the run decides.
class Unknown extends Sum {
  static backward(_context: Context, g: Tensor) {
    return [g, g];
  }
}
Unknown.apply(x, x);
class Variadic extends autograd.Function {
  static forward(_context: Context, ...all: Tensor[]) {
    return all[0] as Tensor;
  }
  static backward(_context: Context, g: Tensor): [Tensor, Tensor] {
    return [g, g];
  }
}
Variadic.apply(x, x, x);
class Optional extends autograd.Function {
  static forward(_context: Context, a: Tensor, power?: number) {
    return a.pow(power ?? 2) as Tensor;
  }
  static backward(_context: Context, g: Tensor): [Tensor, null] {
    return [g, null];
  }
}
Optional.apply(x);
Optional.apply(x, 3);
class Once extends Sum {
  static backward = autograd.onceDifferentiable((_context: Context, g: Tensor): [Tensor, Tensor] => [g, g]);
}
Once.apply(x, x);
class OnceWrong extends Sum {
  static backward = autograd.onceDifferentiable((_context: Context, g: Tensor) => g);
}
// @ts-expect-error one gradient for two arguments
OnceWrong.apply(x, x);
