import { formatShape } from '../shape/shape.ts';
import type { Tensor } from './tensor.ts';

/** How a message names a tensor: its name if it has one, else shape, dtype and what made it. */
export function describeTensor(x: Tensor): string {
  const name = x.meta?.name ?? null;
  const made = x.node !== null ? `, made by ${x.node.name.replace(/Backward$/, '')}` : x.tracked ? ', a leaf' : '';
  return `${name === null ? 'a tensor' : `'${name}'`} of shape ${formatShape(x.shape)} and dtype ${x.type.name}${made}`;
}

export function staleSaveMessage(operator: string, saved: Tensor, role: string, index: number, version: number): string {
  const writer = saved.storage.writer;
  return (
    `${operator}: its backward pass reads ${role} ${index}, ${describeTensor(saved)}, which was changed in place after it was saved` +
    `${writer === null ? '' : ` (last by ${writer})`}: version ${saved.storage.version}, saved at ${version}. ` +
    `Use the functional form instead of the in-place one, or give the in-place operator a clone().`
  );
}
