import type { Storage } from '../runtime/storage.ts';

/** Places in the user's code, kept while `mode.tracing` is on. */
const places = new WeakMap<object, string>();

/** The node whose backward pass recorded another one. */
const parents = new WeakMap<object, object>();
let running: object | null = null;

/** Runs the backward pass of a node; what is recorded meanwhile remembers it. */
export function underNode<R>(node: object, run: () => R): R {
  const before = running;
  running = node;
  try {
    return run();
  } finally {
    running = before;
  }
}

/** Where a node was recorded; and if that was in a backward pass, whose, and where that was recorded. */
export function traceOf(node: object, name: (node: object) => string): string {
  const parent = parents.get(node);
  const above =
    parent === undefined
      ? ''
      : `
That was in the backward pass of ${name(parent)}${traceOf(parent, name)}`;
  return `${placeOf(node, 'recorded')}${above}`;
}

/** Frames of the library itself and of the host are left out; in a bundle, which has the user's code too, all stay. */
export function rememberPlace(subject: object): void {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const [own = '', ...frames] = (new Error().stack ?? '').split('\n').slice(1);
  Error.stackTraceLimit = before;
  const library = /(?:\(|at )([^()]*[\\/])tensor[\\/]trace\.[jt]s/.exec(own)?.[1] ?? null;
  const outside = frames.filter((frame) => !frame.includes('node:internal') && (library === null || !frame.includes(library)));
  if (running !== null) parents.set(subject, running);
  places.set(subject, (outside.length > 0 ? outside : frames).slice(0, 10).join('\n'));
}

/** The end of a message: where `subject` was made or written, or how to find out. */
export function placeOf(subject: object, what: string): string {
  const place = places.get(subject);
  return place === undefined
    ? '. Run it in autograd.detectAnomaly(() => …), forward pass included, to see where in the code'
    : `.\nIt was ${what} here:\n${place}`;
}

/** Where a storage was last written in place, if that is known. */
export function writtenAt(storage: Storage): string {
  const place = places.get(storage);
  return place === undefined ? '' : `\nIt was written here:\n${place}`;
}
