/** Whether two recordings of one function say the same: then a third run would say it too. */
import type { Tensor } from '../tensor/tensor.ts';
import type { CallItem, EffectItem, GradientItem, Item, KeepItem, MapItem, Operand } from './items.ts';
import type { Recording } from './recording.ts';

/** What the first difference is, as the end of a sentence; null where there is none. */
export function differenceOf(before: Recording, now: Recording): string | null {
  const count = Math.min(before.items.length, now.items.length);
  for (let i = 0; i < count; i++) {
    const found = itemDifference(before.items[i] as Item, now.items[i] as Item);
    if (found !== null) return found;
  }
  if (before.items.length !== now.items.length)
    return `one run did ${before.items.length} things and the next ${now.items.length}: what runs depends on more than the arguments`;
  return null;
}

function nameOf(item: Item): string {
  if (item.kind === 'effect') return 'an effect';
  if (item.kind === 'gradient') return 'a gradient';
  return item.operator === '' ? item.kind : `${item.operator}()`;
}

function itemDifference(a: Item, b: Item): string | null {
  if (a.kind !== b.kind) return `${nameOf(a)} ran in one run where ${nameOf(b)} did in the next`;
  switch (a.kind) {
    case 'map':
      return mapDifference(a, b as MapItem);
    case 'call':
      return callDifference(a, b as CallItem);
    case 'fill':
      return sameOperand(a.target, (b as typeof a).target) ? null : `${nameOf(a)} draws into another tensor`;
    case 'keep':
      return keepDifference(a, b as KeepItem);
    case 'gradient':
      return gradientDifference(a, b as GradientItem);
    case 'effect':
      return (a as EffectItem).work.toString() === (b as EffectItem).work.toString() ? null : 'another effect ran';
    case 'blocks':
      // Recordings have none.
      return null;
  }
}

function mapDifference(a: MapItem, b: MapItem): string | null {
  if (
    a.program.expr !== b.program.expr ||
    a.compute !== b.compute ||
    a.ins.length !== b.ins.length ||
    !same(a.program.more, b.program.more)
  )
    return `${nameOf(a)} ran in one run where ${nameOf(b)} did in the next`;
  for (const [i, value] of a.params.entries()) {
    if (!Object.is(value, b.params[i]))
      return `${nameOf(a)} ran with the number ${value} in one run and ${b.params[i]} in the next: pass what changes as a tensor`;
  }
  if (!sameOperand(a.out, b.out) || a.ins.some((operand, i) => !sameOperand(operand, b.ins[i] as Operand)))
    return `${nameOf(a)} ran on other tensors in the next run`;
  return null;
}

function callDifference(a: CallItem, b: CallItem): string | null {
  if (a.name !== b.name || a.run !== b.run) return `${nameOf(a)} ran in one run where ${nameOf(b)} did in the next`;
  return same(a.args, b.args) ? null : `${nameOf(a)} ran with other arguments in the next run`;
}

function keepDifference(a: KeepItem, b: KeepItem): string | null {
  const isEqual = sameOperand(a.target, b.target) && a.bytes.every((byte, i) => byte === b.bytes[i]);
  const name = a.operator === '' ? 'tensor()' : nameOf(a);
  return isEqual ? null : `${name} made a tensor of other numbers in the next run: pass what changes as an argument`;
}

function gradientDifference(a: GradientItem, b: GradientItem): string | null {
  if ((a.grad === null) !== (b.grad === null)) return 'a leaf got a gradient in one run and lost it in the next';
  if (a.grad !== null && !sameOperand(a.grad, b.grad as Operand)) return 'a leaf got another gradient in the next run';
  return sameLeaf(a.leaf, b.leaf) ? null : 'another leaf got a gradient in the next run';
}

/** Leaves that were made in the run are other ones in each. */
function sameLeaf(a: Tensor, b: Tensor): boolean {
  return a === b || (a.shape.length === b.shape.length && a.shape.every((size, i) => size === b.shape[i]));
}

function sameOperand(a: Operand, b: Operand): boolean {
  return (
    a.offset - a.buffer.origin === b.offset - b.buffer.origin &&
    a.type === b.type &&
    a.buffer.byteLength === b.buffer.byteLength &&
    a.buffer.made === b.buffer.made &&
    a.buffer.index === b.buffer.index &&
    (a.buffer.made || a.buffer.argument >= 0 || b.buffer.argument >= 0 || shares(a, b)) &&
    same(a.shape, b.shape) &&
    same(a.strides, b.strides)
  );
}

function shares(a: Operand, b: Operand): boolean {
  return a.buffer.storages.some((storage) => b.buffer.storages.includes(storage));
}

/** Equality of what launches are given: numbers, lists, plain objects and operands. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (isOperand(a)) return isOperand(b) && sameOperand(a, b);
  if (ArrayBuffer.isView(a)) return ArrayBuffer.isView(b) && sameBytes(a, b);
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  if (keys.length !== others.length || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  return keys.every((key) => same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}

function isOperand(value: object): value is Operand {
  return 'buffer' in value && 'strides' in value;
}

function sameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  if (a.byteLength !== b.byteLength) return false;
  const [left, right] = [a, b].map((view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)) as [Uint8Array, Uint8Array];
  return left.every((byte, i) => byte === right[i]);
}
