/** Reproducible numbers, so that a failure can be run again: the seed is a text. */

/** A generator of numbers in [0, 1) (mulberry32, public domain, of good enough quality for inputs of tests). */
export function seeded(seed: string): () => number {
  let state = hash(seed);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

/** The 32-bit hash of Fowler, Noll and Vo (FNV-1a). */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** `count` numbers in [low, high). */
export function uniform(count: number, low: number, high: number, seed: string): number[] {
  const next = seeded(seed);
  return Array.from({ length: count }, () => low + (high - low) * next());
}
