/** Arguments and results as trees: how one call's are told from another's, fast. */

import { sameShape } from '../shape/shape.ts';
import { describeValue } from '../tensor/messages.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { isPlainObject } from '../transform/tree.ts';

/** The form of a value: tensors by number, all else as it was. */
export type Form =
  | { readonly kind: 'tensor'; readonly index: number }
  | { readonly kind: 'list'; readonly items: readonly Form[] }
  | { readonly kind: 'object'; readonly keys: readonly string[]; readonly items: readonly Form[] }
  | { readonly kind: 'value'; readonly value: unknown };

/** What the form of a value is; its tensors are added to `leaves`. */
export function formOf(value: unknown, leaves: Tensor[]): Form {
  if (isTensor(value)) return { kind: 'tensor', index: leaves.push(value) - 1 };
  if (Array.isArray(value)) return { kind: 'list', items: value.map((item) => formOf(item, leaves)) };
  if (isPlainObject(value)) {
    const keys = Object.keys(value);
    return { kind: 'object', keys, items: keys.map((key) => formOf(value[key], leaves)) };
  }
  return { kind: 'value', value };
}

/** Whether a value has a form; its tensors are put into `leaves` at their numbers, whatever they are. */
export function matches(form: Form, value: unknown, leaves: Tensor[]): boolean {
  switch (form.kind) {
    case 'tensor':
      if (!isTensor(value)) return false;
      leaves[form.index] = value;
      return true;
    case 'value':
      return Object.is(form.value, value);
    case 'list':
      return Array.isArray(value) && value.length === form.items.length && form.items.every((item, i) => matches(item, value[i], leaves));
    case 'object': {
      if (!isPlainObject(value) || Object.keys(value).length !== form.keys.length) return false;
      return form.items.every((item, i) => (form.keys[i] as string) in value && matches(item, value[form.keys[i] as string], leaves));
    }
  }
}

/** A value of a form, with these tensors. */
export function rebuild(form: Form, leaves: readonly Tensor[]): unknown {
  switch (form.kind) {
    case 'tensor':
      return leaves[form.index];
    case 'value':
      return form.value;
    case 'list':
      return form.items.map((item) => rebuild(item, leaves));
    case 'object':
      return Object.fromEntries(form.keys.map((key, i) => [key, rebuild(form.items[i] as Form, leaves)]));
  }
}

/** Whether two forms are equal, of which the tensors may be any. */
export function sameForm(a: Form, b: Form): boolean {
  if (a.kind === 'value') return b.kind === 'value' && Object.is(a.value, b.value);
  if (a.kind === 'tensor') return b.kind === 'tensor';
  if (a.kind === 'object') {
    if (b.kind !== 'object' || a.keys.length !== b.keys.length || a.keys.some((key, i) => key !== b.keys[i])) return false;
  } else if (b.kind !== 'list' || a.items.length !== b.items.length) return false;
  return a.items.every((item, i) => sameForm(item, b.items[i] as Form));
}

/** What a kernel sees of a tensor, and whether gradients are recorded. */
export interface Geometry {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly type: Tensor['type'];
  readonly tracked: boolean;
}

export function geometryOf({ shape, strides, type, tracked }: Tensor): Geometry {
  return { shape, strides, type, tracked };
}

export function hasGeometry(x: Tensor, wanted: Geometry): boolean {
  return (
    x.tracked === wanted.tracked &&
    x.type === wanted.type &&
    (x.shape === wanted.shape || sameShape(x.shape, wanted.shape)) &&
    (x.strides === wanted.strides || sameShape(x.strides, wanted.strides))
  );
}

/** The form of arguments as text: the same for calls that run the same. */
export function signatureOf(form: Form, leaves: readonly Tensor[]): string {
  switch (form.kind) {
    case 'tensor':
      return tensorSignature(leaves, form.index);
    case 'list':
      return `[${form.items.map((item) => signatureOf(item, leaves)).join(', ')}]`;
    case 'object':
      return `{ ${form.keys.map((key, i) => `${key}: ${signatureOf(form.items[i] as Form, leaves)}`).join(', ')} }`;
    case 'value':
      return typeof form.value === 'number' || typeof form.value === 'boolean' ? String(form.value) : describeValue(form.value);
  }
}

function tensorSignature(leaves: readonly Tensor[], index: number): string {
  const x = leaves[index] as Tensor;
  const first = leaves.findIndex((other) => other.storage === x.storage);
  const notes = [
    ...(x.rowMajor ? [] : [`strides [${x.strides.join(', ')}]`]),
    ...(x.tracked ? ['requiresGrad'] : []),
    ...(first < index ? [`shares memory with tensor ${first}`] : []),
  ];
  return `${x.type.name}[${x.shape.join(', ')}]${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`;
}
