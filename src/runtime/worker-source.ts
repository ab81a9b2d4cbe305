/**
 * What a worker runs, as source text: bundlers have no file to find and to rewrite, and nothing of the library is loaded again.
 *
 * The words of `shared` are those of `threads.ts`. A worker claims a chunk before it looks at what is to be done: until the chunk is done the launch
 * cannot end, so everything about it stays as it is, and the flags of the engine, which the caller switches between launches, are as they were.
 */
export const WORKER_SOURCE = `
const work = ({ memory, shared, index }) => {
  const { load, store, add, sub, wait, notify, compareExchange } = Atomics;
  const pause = Atomics.pause ?? (() => {});
  const words = new Int32Array(shared, 0, 1024), rows = new Float64Array(shared, 4096, 8192);
  const codes = new Map(), state = 64 + index, counted = 128 + index, now = () => performance.now();
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
    const steps = words[4], width = words[5], args = [];
    let at = chunk * steps * width;
    for (let step = 0; step < steps; step++) {
      for (let i = 0; i < width; i++) args[i] = rows[at++];
      code(words[16 + 3 * step], words[17 + 3 * step], words[18 + 3 * step]).apply(null, args);
    }
  };
  let spin = 0.2, idle = now(), turns = 0;
  store(words, state, 1);
  for (;;) {
    const limit = load(words, 2);
    if (index >= limit) {
      store(words, state, 3);
      wait(words, 2, limit);
      store(words, state, 1);
      continue;
    }
    const left = load(words, 0);
    if (left > 0) {
      if (compareExchange(words, 0, left, left - 1) !== left) continue;
      try {
        run(left - 1);
      } catch (error) {
        store(words, 192 + add(words, 6, 1), left);
        store(words, state, 0);
        sub(words, 1, 1);
        throw error;
      }
      add(words, counted, 1);
      if (sub(words, 1, 1) === 1 && load(words, 3)) notify(words, 1);
      turns = 0;
    } else if (turns++ === 0) idle = now();
    else if (turns % 64 === 0 && now() - idle > spin) {
      store(words, state, 2);
      const before = now();
      wait(words, 0, 0);
      store(words, state, 1);
      spin = now() - before < 1 ? Math.min(spin * 2, 0.8) : Math.max(spin / 2, 0.1);
      turns = 0;
    } else pause();
  }
};
`;
