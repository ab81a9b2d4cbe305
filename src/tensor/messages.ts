import { formatShape } from '../shape/shape.ts';
import type { Node } from './node.ts';
import { isTensor, type Tensor } from './tensor.ts';
import { placeOf, writtenAt } from './trace.ts';

/** How a message names something that is not what was expected; a tensor of another copy of the library is told from other objects. */
export function describeValue(x: unknown): string {
  if (x === null || x === undefined) return String(x);
  if (Array.isArray(x)) return 'an array';
  if (typeof x !== 'object' && typeof x !== 'function') return `the ${typeof x} ${JSON.stringify(String(x)).slice(1, -1)}`;
  if (isTensor(x)) return describeTensor(x);
  if (isForeignTensor(x)) {
    return 'a tensor of another copy of nabla that is loaded in this program: both sides must import the same copy (deduplicate the dependency)';
  }
  return typeof x === 'function' ? 'a function' : 'an object';
}

/** Whether `x` is a tensor that another copy of the library made: its memory is not ours. */
export function isForeignTensor(x: unknown): boolean {
  return typeof x === 'object' && x !== null && Symbol.for('nabla.tensor') in x && !isTensor(x);
}

/** How a message names a tensor: its name if it has one, else shape, dtype and what made it. */
export function describeTensor(x: Tensor): string {
  const name = x.meta?.name ?? null;
  const made = x.node !== null ? ` (made by ${x.node.name.replace(/Backward$/, '')})` : x.tracked ? ' (a leaf)' : '';
  return `${name === null ? 'a tensor' : `'${name}'`} of shape ${formatShape(x.shape)} and dtype ${x.type.name}${made}`;
}

/** That what a node saved is gone: of which tensor, and what to do. */
export function releasedMessage(node: Node): string {
  const shapes = node.outputShapes.map(formatShape).join(' and ');
  return (
    `${node.name}: the result of shape ${shapes} of ${node.operatorName} cannot be differentiated again: what was saved for that was freed by an earlier ` +
    `backward() or grad(). Pass { retainGraph: true } to the earlier call, or compute the result again before this one${placeOf(node, 'recorded')}`
  );
}

export function staleSaveMessage(operator: string, node: object, saved: Tensor, role: string, index: number, version: number): string {
  const writer = saved.storage.writer;
  return (
    `${operator}: its backward pass reads ${role} ${index}, ${describeTensor(saved)}, which was changed in place after it was saved` +
    `${writer === null ? '' : ` (last by ${writer}, which wrote shape ${formatShape(saved.storage.writtenShape ?? [])})`}: version ${saved.storage.version}, saved at ${version}. ` +
    `Use the functional form instead of the in-place one, or give the in-place operator a clone()${placeOf(node, 'recorded')}${writtenAt(saved.storage)}`
  );
}
