/** What the operators say of themselves, and which of them are methods. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { IN_PLACE, METHODS, VARIADIC } from '../../src/api/method-names.ts';
import { Tensor } from '../../src/index.ts';
import { camelCase, parseSignature } from '../conformance/signature.ts';
import { CHECKS } from './checks/index.ts';
import { EXCEPTIONS } from './exceptions.ts';
import { collect, type Entry } from './operators.ts';

const entries = collect();
const names = new Set(entries.map(({ description }) => description.name));
const paths = new Set(entries.flatMap((entry) => entry.paths));

function read(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
}

/** What PyTorch's tensor has as methods. */
const torchMethods = new Set((read('torch-methods.json') as { names: string[] }).names);

/** Methods that PyTorch has not, each for a reason. */
const OUR_METHODS = new Map([
  ['at', 'what Python writes as x[…]'],
  ['set', 'what Python writes as x[…] = value'],
  ['rsub', 'PyTorch has it as a function, and as the reflected operator of Python'],
  ['slice', 'what Python writes as x[start:stop:step]'],
]);

/** In-place forms that only change sizes and strides: they are none of the writes that `inPlaceMethod` makes. */
const GEOMETRY = ['asStrided', 'squeeze', 'swapaxes', 'swapdims', 't', 'transpose', 'unsqueeze'];

function isAttached(name: string): boolean {
  return typeof (Tensor.prototype as unknown as Record<string, unknown>)[name] === 'function';
}

function isSorted(list: readonly string[]): boolean {
  return list.every((name, i) => i === 0 || (list[i - 1] as string) < name);
}

/** Names that start small, in camelCase; a trailing underscore says that the operator writes. */
function isCamelCase(path: string): boolean {
  return path.split('.').every((part) => /^[a-z][a-zA-Z0-9]*_?$/.test(part) || ['T', 'mT', 'H', 'mH'].includes(part));
}

function signatureProblem({ description }: Entry): string | null {
  const parameters = parseSignature(description.signature);
  const spelled = parameters.map(({ name }) => name);
  if (new Set(spelled).size !== spelled.length) return `${description.name}: '${description.signature}' names a parameter twice`;
  const odd = spelled.find((name) => !/^_?[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$/.test(name));
  return odd === undefined ? null : `${description.name}: '${description.signature}' has a parameter '${odd}'`;
}

describe('descriptions', () => {
  test('every operator is exported under its name', () => {
    expect(
      entries.filter(({ description, paths: own }) => !own.includes(description.name)).map(({ description }) => description.name),
    ).toEqual(
      // The entry's `slice` is that of indexing; the operator is the method.
      names.has('slice') && !paths.has('slice') ? ['slice'] : [],
    );
  });

  test('names are in camelCase and belong to one function', () => {
    expect([...names].filter((name) => !isCamelCase(name))).toEqual([]);
    expect(entries.length).toBe(names.size);
  });

  test('signatures can be read', () => {
    expect(entries.map(signatureProblem).filter((problem) => problem !== null)).toEqual([]);
  });

  test('options of samples are those of the signature', () => {
    const unknown = entries.flatMap(({ description }) => {
      const options = new Set(parseSignature(description.signature).flatMap(({ name, option }) => (option ? [camelCase(name)] : [])));
      return description.samples.flatMap(({ args }) => {
        const last = args.at(-1);
        if (typeof last !== 'object' || last === null || Array.isArray(last) || 'shape' in last) return [];
        return Object.keys(last)
          .filter((key) => !options.has(key))
          .map((key) => `${description.name}: ${key}`);
      });
    });
    expect(unknown).toEqual([]);
  });

  test('every operator has samples, but for a list that only shrinks', () => {
    const without = entries.filter(({ description }) => description.samples.length === 0 && description.random !== true);
    expect(without.map(({ description }) => description.name)).toEqual(read('without-samples.json'));
  });

  test('exceptions name operators and checks that exist', () => {
    const checks = CHECKS.map(({ name }) => name);
    const unknown = Object.entries(EXCEPTIONS).flatMap(([name, excepted]) =>
      names.has(name) ? Object.keys(excepted).filter((check) => !checks.includes(check)) : [name],
    );
    expect(unknown).toEqual([]);
  });
});

/** Methods of PyTorch's tensor that are functions alone here: decompositions, which would be in every bundle. The list may only shrink. */
const FUNCTIONS_ONLY: readonly string[] = [
  'cholesky',
  'choleskyInverse',
  'choleskySolve',
  'det',
  'geqrf',
  'inverse',
  'logdet',
  'lu',
  'luSolve',
  'matrixPower',
  'orgqr',
  'ormqr',
  'pinverse',
  'qr',
  'slogdet',
  'svd',
  'triangularSolve',
];

describe('methods', () => {
  test('the lists are sorted', () => {
    expect([METHODS, IN_PLACE, VARIADIC].map(isSorted)).toEqual([true, true, true]);
  });

  test('every name in the lists is a method', () => {
    expect([...METHODS, ...IN_PLACE.map((name) => `${name}_`)].filter((name) => !isAttached(name))).toEqual([]);
  });

  test('every operator that PyTorch has as a method is one', () => {
    expect([...paths].filter((path) => torchMethods.has(path) && !isAttached(path)).sort()).toEqual(FUNCTIONS_ONLY);
  });

  test('every in-place form that PyTorch has is one', () => {
    const missing = [...paths].filter((path) => torchMethods.has(`${path}_`) && !isAttached(`${path}_`) && !GEOMETRY.includes(path));
    expect(missing).toEqual([]);
  });

  test('there are no others', () => {
    expect(METHODS.filter((name) => !torchMethods.has(name) && !OUR_METHODS.has(name))).toEqual([]);
    expect(IN_PLACE.filter((name) => !torchMethods.has(`${name}_`))).toEqual([]);
  });
});
