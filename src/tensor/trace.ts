import type { Storage } from '../runtime/storage.ts';

/** Places in the user's code: where nodes were recorded and storages were written, as far as `tracing.ts` was on. */
export const places = new WeakMap<object, string>();

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
