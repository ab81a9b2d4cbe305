import type { ProfilerEvent } from './profiler-events.ts';

/** A point in time at which so many bytes were in use. */
export interface MemorySample {
  readonly at: number;
  readonly bytes: number;
}

/** One entry of the Trace Event Format (Google, "Trace Event Format", 2016), which Chromium's and Perfetto's viewers read. */
export interface TraceEntry {
  readonly name: string;
  readonly cat?: string;
  /** X: a span; C: a counter; M: metadata; s and f: the two ends of an arrow. */
  readonly ph: 'X' | 'C' | 'M' | 's' | 'f';
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: number;
  readonly bp?: 'e';
  readonly args?: Readonly<Record<string, unknown>>;
}

const PROCESS = 1;
const THREAD = 1;
const CATEGORY = { operator: 'cpu_op', write: 'cpu_op', backward: 'backward', range: 'user_annotation' } as const;

function spanOf(event: ProfilerEvent, memory: boolean): TraceEntry {
  const args: Record<string, unknown> = {};
  if (event.sequenceNumber >= 0) args['sequence number'] = event.sequenceNumber;
  if (event.inputShapes !== null) args['input shapes'] = event.inputShapes;
  if (memory) {
    args['bytes'] = event.bytes;
    args['peak bytes'] = event.peakBytes;
  }
  return {
    name: event.name,
    cat: CATEGORY[event.kind],
    ph: 'X',
    pid: PROCESS,
    tid: THREAD,
    ts: event.start,
    dur: event.duration,
    args,
  };
}

/** Arrows from each recorded call to the node of the backward pass that differentiates it. */
function arrowsOf(events: readonly ProfilerEvent[]): TraceEntry[] {
  const recorded = new Map<number, ProfilerEvent>();
  const arrows: TraceEntry[] = [];
  for (const event of events) {
    if (event.sequenceNumber < 0) continue;
    if (event.kind === 'operator') recorded.set(event.sequenceNumber, event);
    const source = recorded.get(event.sequenceNumber);
    if (event.kind !== 'backward' || source === undefined) continue;
    const ends = { name: 'forward to backward', cat: 'fwdbwd', pid: PROCESS, tid: THREAD, id: event.sequenceNumber } as const;
    arrows.push({ ...ends, ph: 's', ts: source.start }, { ...ends, ph: 'f', bp: 'e', ts: event.start });
  }
  return arrows;
}

/** All entries of the trace of a profile. */
export function traceOf(events: readonly ProfilerEvent[], samples: readonly MemorySample[], memory: boolean): TraceEntry[] {
  return [
    { name: 'process_name', ph: 'M', pid: PROCESS, tid: THREAD, args: { name: 'nabla' } },
    { name: 'thread_name', ph: 'M', pid: PROCESS, tid: THREAD, args: { name: 'operators' } },
    ...events.map((event) => spanOf(event, memory)),
    ...arrowsOf(events),
    ...samples.map(({ at, bytes }): TraceEntry => ({ name: 'memory', ph: 'C', pid: PROCESS, tid: THREAD, ts: at, args: { bytes } })),
  ];
}
