import type { Tracing } from './modes.ts';
import { placeOf, places } from './trace.ts';

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
  const above = parent === undefined ? '' : `\nThat was in the backward pass of ${name(parent)}${traceOf(parent, name)}`;
  return `${placeOf(node, 'recorded')}${above}`;
}

/** How many frames are looked at, and how many are kept: fewer where those of the library can be told from the user's. */
const LOOKED_AT = 50;
const KEPT = 10;
const KEPT_OF_A_BUNDLE = 25;

/** What the frames of the library have in common, from the one of this file: in single modules, and in the bundle for Node (see scripts/node-bundle.ts). */
const LIBRARY = /(?:\(|at )([^()]*[\\/](?:(?=tensor[\\/]tracing\.[jt]s)|nabla[\\/]dist[\\/]node[\\/]))/;

/** What `mode.tracing` is while places are kept. */
export const tracing: Tracing = {
  /** Frames of the library itself and of the host are left out; in an application's bundle, which has the user's code too, all stay. */
  remember(subject: object): void {
    const before = Error.stackTraceLimit;
    Error.stackTraceLimit = LOOKED_AT;
    const [own = '', ...frames] = (new Error().stack ?? '').split('\n').slice(1);
    Error.stackTraceLimit = before;
    if (running !== null) parents.set(subject, running);
    places.set(subject, placeAmong(own, frames));
  },
};

/** @internal The user's frames, given the library's own and those below it. */
export function placeAmong(own: string, frames: readonly string[]): string {
  const library = LIBRARY.exec(own)?.[1] ?? null;
  const outside = frames.filter((frame) => !frame.includes('node:internal') && (library === null || !frame.includes(library)));
  const kept = outside.length > 0 ? outside : frames;
  return kept.slice(0, library !== null && outside.length > 0 ? KEPT : KEPT_OF_A_BUNDLE).join('\n');
}
