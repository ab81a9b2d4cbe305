import { isTensor } from '../tensor/tensor.ts';

/** Options as the printed form of a module has them: `p=0.5, keepdim=true`. Tensors have names of their own in the state and are left out. */
export function describeOptions(options: object): string {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined && value !== null && !isTensor(value))
    .map(([name, value]) => `${name}=${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}`)
    .join(', ');
}
