/** What the tests of custom functions share. */
import { autograd, randn, type Tensor } from 'nabla';

export type Context = autograd.FunctionContext;
export type Rule = (context: Context, ...grads: Tensor[]) => autograd.Gradient | autograd.Gradient[];

/** A function from two rules, as the recorded behaviours write them. */
export function made<A extends unknown[], R>(forward: (context: Context, ...args: A) => R, backward?: Rule) {
  abstract class MyFn extends autograd.Function {
    static forward(context: Context, ...args: A): R {
      return forward(context, ...args);
    }
    static backward(context: Context, ...grads: Tensor[]) {
      return (backward as Rule)(context, ...grads);
    }
  }
  if (backward === undefined) Reflect.deleteProperty(MyFn, 'backward');
  return MyFn;
}

export const identity: Rule = (_context, g) => g;
export const random = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });
