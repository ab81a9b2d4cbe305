import type { FunctionBuilder, Local } from './wasm/encoder.ts';

/** Repeats `body` while what `condition` pushes is not 0. */
export function whileLoop(f: FunctionBuilder, condition: () => void, body: () => void): void {
  f.block((done) => {
    f.loop((next) => {
      condition();
      f.op('i32.eqz').brIf(done);
      body();
      f.br(next);
    });
  });
}

/** Repeats `body` `count` times, also 0 times; `counter` counts down to 0 and holds the rounds left, this one included. */
export function repeat(f: FunctionBuilder, counter: Local, count: Local, body: () => void): void {
  f.get(count).tee(counter);
  f.if(() => {
    f.loop((next) => {
      body();
      f.get(counter).i32(1).op('i32.sub').tee(counter).brIf(next);
    });
  });
}

/** Adds another local to a local. */
export function advance(f: FunctionBuilder, local: Local, by: Local): void {
  f.get(local).get(by).op('i32.add').set(local);
}

/** Adds a constant to a local. */
export function advanceBy(f: FunctionBuilder, local: Local, by: number): void {
  f.get(local).i32(by).op('i32.add').set(local);
}
