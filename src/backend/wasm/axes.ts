import type { View } from '../../runtime/view.ts';

/** One loop of a kernel: how often, and how many bytes from one element to the next. */
export interface Axis {
  readonly size: number;
  readonly stride: number;
}

/** An axis for kernels whose loops outnumber those needed. */
export const SINGLE: Axis = { size: 1, stride: 0 };

/** The axis `dim` of a view, in bytes. */
export function axisOf(view: View, dim: number): Axis {
  return { size: view.shape[dim]!, stride: view.strides[dim]! << view.type.shift };
}

/** Adds an inner axis to a list: not at all if it has one element, merged with the last axis where both are one run. */
export function pushAxis(axes: Axis[], axis: Axis): void {
  if (axis.size === 1) return;
  const last = axes[axes.length - 1];
  if (last !== undefined && last.stride === axis.stride * axis.size) {
    axes[axes.length - 1] = { size: last.size * axis.size, stride: axis.stride };
  } else axes.push(axis);
}

/** The axes of a whole view, merged where they are one run. */
export function axesOf(view: View): Axis[] {
  const axes: Axis[] = [];
  for (let dim = 0; dim < view.shape.length; dim++) pushAxis(axes, axisOf(view, dim));
  return axes;
}

/** How many elements axes span. */
export function countOf(axes: readonly Axis[]): number {
  let count = 1;
  for (const axis of axes) count *= axis.size;
  return count;
}

/** Calls `body` with the byte offset of each place that the axes span, in row-major order. */
export function eachOffset(axes: readonly Axis[], body: (offset: number) => void): void {
  const visit = (depth: number, offset: number): void => {
    const axis = axes[depth];
    if (axis === undefined) body(offset);
    else for (let i = 0; i < axis.size; i++) visit(depth + 1, offset + i * axis.stride);
  };
  visit(0, 0);
}
