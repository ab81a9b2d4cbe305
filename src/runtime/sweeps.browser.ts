/** Browsers have no collector that can be called: nothing is swept, see `pool.ts` for what happens instead. */
export {};
