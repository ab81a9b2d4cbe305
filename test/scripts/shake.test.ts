import { describe, expect, test } from 'vitest';
import { bareImports, effectStatements, shake } from '../../scripts/shake.ts';

const strip = (text: string): string => shake('ops/example.js', text, { stripSamples: true });

describe('samples and bad inputs', () => {
  test('are removed from object literals', () => {
    expect(strip(`export const sin = elementwise('sin', f, { samples: unary, kept: 1, bad: [{ in: [[2]] }] });`)).toBe(
      `export const sin = /*#__PURE__*/ elementwise('sin', f, { kept: 1, });`,
    );
  });

  test('are removed as shorthand, as method and under a quoted name', () => {
    expect(strip(`const a = f({ samples, 'bad': 1, k });`)).toBe(`const a = /*#__PURE__*/ f({ k });`);
    expect(strip(`const a = f({ k, samples() { return g(); } });`)).toBe(`const a = /*#__PURE__*/ f({ k, });`);
  });

  test('are kept where they are handed on, and outside of operators', () => {
    const plumbing = `function f(d) { return { samples: d.samples ?? [], bad: d.bad }; }`;
    expect(strip(plumbing)).toBe(plumbing);
    expect(strip('const f = (d) => g({ bad: d.bad ?? BAD });')).toBe('const f = (d) => g({ });');
    expect(shake('a.js', `const a = f({ samples: 1 });`, { stripSamples: false })).toBe(`const a = /*#__PURE__*/ f({ samples: 1 });`);
  });
});

describe('top-level initializers', () => {
  test('are marked with every call that runs at load, and none that runs later', () => {
    expect(strip('const a = f(g(1), () => h(2));')).toBe('const a = /*#__PURE__*/ f(/*#__PURE__*/ g(1), () => h(2));');
    expect(strip('const m = new Map();')).toBe('const m = /*#__PURE__*/ new Map();');
  });

  test('are wrapped in one marked call when they read properties, which may be getters, save those of imported namespaces', () => {
    expect(strip('export const a = f(b.c);')).toBe('export const a = /*#__PURE__*/ (() => (f(b.c)))();');
    const namespace = `import * as S from './s.js';\n`;
    expect(strip(`${namespace}const a = f(S.x, S.g(1));`)).toBe(`${namespace}const a = /*#__PURE__*/ f(S.x, /*#__PURE__*/ S.g(1));`);
    expect(strip('const a = { ...b };')).toBe('const a = /*#__PURE__*/ (() => ({ ...b }))();');
  });

  test('of let, of locals and statements are left alone', () => {
    const text = 'let a = f();\nfunction g() { const b = f(); return b; }\nsetUp();';
    expect(strip(text)).toBe(text);
  });
});

test('imports for their types alone are dropped, imports for their effects stay', () => {
  const text = `import './types.js';\nimport './start.js';\nexport const a = 1;`;
  const keepBareImport = (specifier: string): boolean => specifier === './start.js';
  expect(shake('a.js', text, { stripSamples: false, keepBareImport })).toBe(`\nimport './start.js';\nexport const a = 1;`);
  expect(bareImports('a.js', text)).toEqual(['./types.js', './start.js']);
});

describe('effects at load', () => {
  test('are those on other modules', () => {
    const text = `import { Tensor, setBackend } from './a.js';
class Own {}
Object.defineProperty(Own.prototype, 'x', {});
Object.defineProperty(Tensor.prototype, 'x', {});
for (const name of names) Tensor.prototype[name] = 1;
setBackend(1);
const value = setBackend(2);
globalThis.x = 1;`;
    expect(effectStatements('a.js', text)).toEqual([
      `Object.defineProperty(Tensor.prototype, 'x', {});`,
      'for (const name of names) Tensor.prototype[name] = 1;',
      'setBackend(1);',
      'globalThis.x = 1;',
    ]);
  });
});

test('infinities and NaN lose the name of Number, outside of what is removed', () => {
  expect(strip(`const a = Number.POSITIVE_INFINITY;`)).toBe(`const a = /*#__PURE__*/ (() => (Infinity))();`);
  expect(strip(`const f = (x) => x === Number.NaN ? -Number.NEGATIVE_INFINITY : Number.MAX_VALUE;`)).toBe(
    `const f = (x) => x === NaN ? -(-Infinity) : Number.MAX_VALUE;`,
  );
  expect(strip(`const o = { samples: [Number.NaN], x: 1 };`)).not.toContain('NaN');
});
