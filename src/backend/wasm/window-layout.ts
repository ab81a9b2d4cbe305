/** Images laid out so that neighbouring windows are neighbours in memory, whatever the stride: see kernel/split-image.ts. */
import { SPLIT_FIELDS } from '../../kernel/split-image.ts';
import { heap } from '../../runtime/heap.ts';

export { MOST_PHASES } from '../../kernel/split-image.ts';

/** How windows lie on one dimension. */
export interface GridLine {
  /** Elements of the source, and how far they lie apart there. */
  readonly source: number;
  readonly apart: number;
  /** How many windows there are, and how far each begins behind the one before. */
  readonly outputs: number;
  readonly stride: number;
  /** Where the elements of the first window lie, perhaps outside of the source, and which of the kernel's elements goes with each. */
  readonly places: readonly number[];
  readonly elements: readonly number[];
  /** How far windows lie apart in the output. */
  readonly step: number;
}

/** How an image is laid out, in elements: how many it has then, where they go, and where windows and their elements lie. */
export interface Layout {
  readonly size: number;
  readonly split: Record<(typeof SPLIT_FIELDS)[number], number>;
  readonly phases: readonly (readonly [to: number, from: number, count: number])[];
  readonly sliceStep: number;
  readonly rowStep: number;
  /** Where the element (channel, element of each line) of a window lies. */
  readonly at: (channel: number, elements: readonly number[]) => number;
}

/** `height` and `width`: how many windows are read, some of them for nothing. */
export function layoutOf(lines: readonly GridLine[], channels: number, channelSize: number, height: number, width: number): Layout {
  const lowest = lines.map(({ places }) => (places.length === 0 ? 0 : Math.min(...places)));
  const reach = lines.map(({ places }, d) => Math.max(lowest[d]!, ...places) - lowest[d]!);
  const [z, y, x] = lines as readonly [GridLine, GridLine, GridLine];
  const rowStep = width + Math.floor(reach[2]! / x.stride);
  const phaseStep = rowStep * (height + Math.floor(reach[1]! / y.stride));
  const turnStep = phaseStep * x.stride;
  const sliceStep = turnStep * y.stride;
  const channelStep = sliceStep * ((z.outputs - 1) * z.stride + reach[0]! + 1);
  // What is there of what the windows see.
  const from = lowest.map((low) => Math.max(0, low));
  const count = lines.map(
    ({ source, outputs, stride }, d) => Math.min(source, lowest[d]! + (outputs - 1) * stride + reach[d]! + 1) - from[d]!,
  );
  const ahead = from.map((at, d) => at - lowest[d]!);
  const whole = count.every((n) => n > 0);
  const first = from.reduce((at, i, d) => at + i * lines[d]!.apart, 0);
  const phases = Array.from({ length: x.stride }, (_, j) => {
    const place = ahead[2]! + j;
    const to = (place % x.stride) * phaseStep + Math.floor(place / x.stride);
    return [to, first + j, Math.max(0, Math.ceil((count[2]! - j) / x.stride))] as const;
  });
  const split = {
    channels: whole ? channels : 0,
    slices: count[0]!,
    rows: count[1]!,
    channelFrom: channelSize,
    sliceFrom: z.apart,
    rowFrom: y.apart,
    channelStep: channelStep,
    sliceStep: sliceStep,
    turns: y.stride,
    turnStep: turnStep,
    rowStep: rowStep,
    firstTurn: ahead[1]! % y.stride,
    firstLine: ahead[0]! * sliceStep + Math.floor(ahead[1]! / y.stride) * rowStep,
    phases: x.stride,
  };
  const at = (channel: number, elements: readonly number[]): number => {
    const [inZ, inY, inX] = elements.map((i, d) => lines[d]!.places[i]! - lowest[d]!) as [number, number, number];
    const row = (inY % y.stride) * turnStep + Math.floor(inY / y.stride) * rowStep;
    return channel * channelStep + inZ * sliceStep + row + (inX % x.stride) * phaseStep + Math.floor(inX / x.stride);
  };
  return { size: channels * channelStep, split, phases, sliceStep: sliceStep * z.stride, rowStep: rowStep, at };
}

/** Those of the fields that count something. */
const COUNTS: readonly string[] = ['channels', 'slices', 'rows', 'turns', 'firstTurn', 'phases'];

/** Describes a layout of elements of so many bytes. */
export function writeSplit(address: number, { split, phases }: Layout, bytes: number): void {
  const values = SPLIT_FIELDS.map((name) => (COUNTS.includes(name) ? split[name] : split[name] * bytes));
  heap.i32.set([...values, ...phases.flatMap(([to, from, count]) => [to * bytes, from * bytes, count])], address / 4);
}
