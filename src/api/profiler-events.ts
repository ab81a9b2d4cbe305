/** What a profile is made of: one event for each call, and their averages by name. */

/**
 * What an event stands for: a call of an operator, an in-place write, a node of a backward pass, or a range that `recordFunction` named.
 */
export type EventKind = 'operator' | 'write' | 'backward' | 'range';

/**
 * One call, with what ran inside it. Times are in microseconds from the start of the profile, sizes in bytes.
 *
 * @example
 * const { events } = profiler.profile(() => ones([2]).sin());
 * events[0] instanceof profiler.ProfilerEvent; // true
 */
export class ProfilerEvent {
  readonly name: string;
  readonly kind: EventKind;
  /** Whether it ran inside a node of a backward pass (or is one). */
  readonly inBackward: boolean;
  readonly start: number;
  end = 0;
  readonly parent: ProfilerEvent | null;
  readonly children: ProfilerEvent[] = [];
  /**
   * Joins a forward call and the node of the backward pass that it recorded: both have the number of the node. -1 where nothing was recorded.
   */
  sequenceNumber = -1;
  /** Shapes of the tensor inputs, where `recordShapes` asks for them. */
  inputShapes: readonly (readonly number[])[] | null = null;
  /** What the call itself allocated, without what ran inside it. */
  selfBytes = 0;
  /** The most that was in use while it ran, more than at the start of the profile. */
  peakBytes = 0;

  constructor(name: string, kind: EventKind, start: number, parent: ProfilerEvent | null) {
    this.name = name;
    this.kind = kind;
    this.start = start;
    this.parent = parent;
    this.inBackward = kind === 'backward' || (parent !== null && parent.inBackward);
    parent?.children.push(this);
  }

  /** Microseconds from the call to its return. */
  get duration(): number {
    return this.end - this.start;
  }

  /** The same without what ran inside it. */
  get selfDuration(): number {
    return this.children.reduce((rest, child) => rest - child.duration, this.duration);
  }

  /** Bytes allocated by the call and by what ran inside it. They count as allocated even if they were given back meanwhile. */
  get bytes(): number {
    return this.children.reduce((sum, child) => sum + child.bytes, this.selfBytes);
  }
}

/** The calls of one name together. Times are in microseconds, sizes in bytes. */
export interface EventAverage {
  readonly name: string;
  readonly kind: EventKind;
  /** Whether these calls ran in backward passes. */
  readonly inBackward: boolean;
  /** The shapes that the calls had in common, where they were grouped by shape. */
  readonly inputShapes: readonly (readonly number[])[] | null;
  readonly count: number;
  /** Sum of the durations. Calls inside calls of the same name count once. */
  readonly total: number;
  readonly self: number;
  /** `total / count`. */
  readonly average: number;
  readonly bytes: number;
  readonly selfBytes: number;
  /** The most that was in use during one of the calls. */
  readonly peakBytes: number;
}

/** What rows of a table are ordered by; the largest come first, except for names. */
export type SortKey = 'self' | 'total' | 'average' | 'count' | 'bytes' | 'selfBytes' | 'peakBytes' | 'name';

function keyOf(event: ProfilerEvent, byShape: boolean): string {
  const shapes = byShape ? JSON.stringify(event.inputShapes) : '';
  return `${event.inBackward} ${event.kind} ${event.name} ${shapes}`;
}

function isInside(event: ProfilerEvent, key: string, byShape: boolean): boolean {
  for (let outer = event.parent; outer !== null; outer = outer.parent) if (keyOf(outer, byShape) === key) return true;
  return false;
}

/** One average for each name and direction (and shapes, if wanted), the largest self time first. */
export function averagesOf(events: readonly ProfilerEvent[], byShape: boolean): EventAverage[] {
  const groups = new Map<string, { -readonly [K in keyof EventAverage]: EventAverage[K] }>();
  for (const event of events) {
    const key = keyOf(event, byShape);
    let group = groups.get(key);
    if (group === undefined) {
      group = {
        name: event.name,
        kind: event.kind,
        inBackward: event.inBackward,
        inputShapes: byShape ? event.inputShapes : null,
        count: 0,
        total: 0,
        self: 0,
        average: 0,
        bytes: 0,
        selfBytes: 0,
        peakBytes: 0,
      };
      groups.set(key, group);
    }
    group.count += 1;
    group.self += event.selfDuration;
    group.selfBytes += event.selfBytes;
    group.peakBytes = Math.max(group.peakBytes, event.peakBytes);
    if (isInside(event, key, byShape)) continue;
    group.total += event.duration;
    group.bytes += event.bytes;
  }
  for (const group of groups.values()) group.average = group.total / group.count;
  return sorted([...groups.values()], 'self');
}

export function sorted(averages: readonly EventAverage[], by: SortKey): EventAverage[] {
  return [...averages].sort((a, b) => (by === 'name' ? (a.name < b.name ? -1 : a.name > b.name ? 1 : 0) : b[by] - a[by]));
}
