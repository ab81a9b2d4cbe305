/**
 * What a worker runs, as source text: bundlers have no file to find and to rewrite, and nothing of the library is loaded again.
 *
 * The words of `shared` are those of `threads.ts`. A worker says which chunk it is about to claim before it claims it, and computes it before it looks at anything else:
 * the launch cannot end meanwhile, so everything about it stays as it is, and the flags of the engine, which the caller switches between launches, are as they were.
 */
export const WORKER_SOURCE = `
const work = ({ memory, shared, index }) => {
  const { load, store, add, wait, notify, compareExchange } = Atomics;
  const pause = Atomics.pause ?? (() => {});
  const words = new Int32Array(shared, 0, 2048), rows = new Float64Array(shared, 8192, 8192);
  const hand = 1024 + 16 * index, state = hand + 1, counted = hand + 2, woken = hand + 3;
  const codes = new Map(), now = () => performance.now(), back = index % 2 === 0;
  const code = (at, bytes, which) => {
    const key = at * 64 + which;
    let found = codes.get(key);
    if (!found) {
      const module = new WebAssembly.Module(new Uint8Array(shared, at, bytes).slice());
      const math = {};
      for (const { name } of WebAssembly.Module.imports(module)) if (name.startsWith('Math.')) math[name] = Math[name.slice(5)];
      found = Object.values(new WebAssembly.Instance(module, { env: { memory }, math }).exports)[which];
      codes.set(key, found);
    }
    return found;
  };
  const run = (chunk) => {
    const steps = words[32], width = words[33], args = [];
    let at = chunk * steps * width;
    for (let step = 0; step < steps; step++) {
      for (let i = 0; i < width; i++) args[i] = rows[at++];
      code(words[48 + 3 * step], words[49 + 3 * step], words[50 + 3 * step]).apply(null, args);
    }
  };
  let spin = 0.5, idle = now(), turns = 0;
  store(words, state, 1);
  for (;;) {
    const limit = load(words, 16);
    if (index >= limit) {
      store(words, state, 3);
      wait(words, 16, limit);
      store(words, state, 1);
      continue;
    }
    const left = load(words, 0);
    if (left > 0) {
      const first = left & 65535, last = (left >> 16) - 1, chunk = back ? last : first;
      store(words, hand, chunk + 1);
      if (compareExchange(words, 0, left, first === last ? 0 : back ? left - 65536 : left + 1) === left) {
        try {
          run(chunk);
          words[counted]++;
        } catch (error) {
          store(words, 128 + add(words, 18, 1), chunk);
          store(words, state, 0);
          throw error;
        } finally {
          store(words, hand, 0);
          if (load(words, 17)) notify(words, hand);
        }
      } else store(words, hand, 0);
      turns = 0;
    } else if (turns++ === 0) idle = now();
    else if (turns % 64 === 0 && now() - idle > spin) {
      store(words, state, 2);
      const before = now();
      wait(words, woken, 0);
      store(words, woken, 0);
      store(words, state, 1);
      spin = now() - before < 2 ? Math.min(spin * 2, 2) : Math.max(spin / 2, 0.1);
      turns = 0;
    } else pause();
  }
};
`;
