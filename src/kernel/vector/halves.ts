import type { Local } from '../wasm/encoder.ts';
import type { VectorEmitter, Vectors } from './emitter.ts';

/** float32 vectors as float64: the low and the high half of each, one after the other. */
export function widen(e: VectorEmitter, x: Vectors): Vectors {
  const { f } = e;
  const halves: Local[] = [];
  for (const vector of x) {
    f.get(vector).op('f64x2.promote_low_f32x4');
    halves.push(e.keep());
    f.get(vector).get(vector).shuffle64(1, 1).op('f64x2.promote_low_f32x4');
    halves.push(e.keep());
  }
  return halves;
}

/** Vectors from the low halves of two each. */
export function joinLowHalves(e: VectorEmitter, halves: Vectors): Vectors {
  const joined: Local[] = [];
  for (let i = 0; i < halves.length; i += 2) {
    e.f
      .get(halves[i] as Local)
      .get(halves[i + 1] as Local)
      .shuffle64(0, 2);
    joined.push(e.keep());
  }
  return joined;
}
