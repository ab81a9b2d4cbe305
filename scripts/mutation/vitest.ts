/**
 * What stands in for vitest in the bundle of `npm run mutation`: tests are collected in a list, so that a mutant can be held against any few of them in the
 * process that has them loaded already. Assertions and spies are vitest's own packages; isolation, fake modules and waiting are not there, and tests
 * that want them are left out because they fail before anything is mutated.
 */
import { chai, GLOBAL_EXPECT, JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from '@vitest/expect';
import { fn, restoreAllMocks, spyOn } from '@vitest/spy';

type Body = () => unknown;

export interface Collected {
  readonly name: string;
  readonly body: Body;
  readonly before: readonly Body[];
  readonly after: readonly Body[];
}

interface Scope {
  readonly prefix: string;
  readonly before: Body[];
  readonly after: Body[];
}

export const collected: Collected[] = [];
let scope: Scope = { prefix: '', before: [], after: [] };
/** The scope of the setup files, which every test file starts from. */
let shared = scope;

const within = (outer: Scope, prefix: string): Scope => ({ prefix, before: [...outer.before], after: [...outer.after] });

/** Said by the bundle in front of each file. */
export function beginFile(name: string): void {
  scope = within(shared, `${name} > `);
}

/** Said by the bundle after the setup files. */
export function endSetup(): void {
  shared = scope;
}

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);
export const expect = Object.assign((value: unknown, message?: string) => chai.expect(value, message), chai.expect);
(globalThis as Record<symbol, unknown>)[GLOBAL_EXPECT] = expect;
setState({ assertionCalls: 0 }, expect as never);

function addTest(name: string, ...rest: readonly unknown[]): void {
  const body = rest.find((part) => typeof part === 'function') as Body;
  collected.push({ name: scope.prefix + name, body, before: scope.before, after: scope.after });
}

function addSuite(name: string, ...rest: readonly unknown[]): void {
  const outer = scope;
  scope = within(outer, `${outer.prefix}${name} > `);
  (rest.find((part) => typeof part === 'function') as Body)();
  scope = outer;
}

const eachOf =
  (add: (name: string, body: Body) => void) =>
  (rows: readonly unknown[]) =>
  (name: string, body: (...row: readonly unknown[]) => unknown): void =>
    rows.forEach((row, i) => {
      add(`${name} #${i}`, () => body(...(Array.isArray(row) ? row : [row])));
    });

const skip = (): void => {};
export const describe = Object.assign(addSuite, { each: eachOf(addSuite), skipIf: (no: unknown) => (no ? skip : addSuite) });
export const test = Object.assign(addTest, {
  each: eachOf(addTest),
  skip,
  skipIf: (no: unknown) => (no ? skip : addTest),
  runIf: (yes: unknown) => (yes ? addTest : skip),
});
export const it = test;
export const beforeEach = (body: Body): unknown => scope.before.push(body);
export const afterEach = (body: Body): unknown => scope.after.push(body);
export const beforeAll = (body: Body): unknown => body();
export const afterAll = skip;

const replaced: [string, PropertyDescriptor | undefined][] = [];
export const vi = {
  fn,
  spyOn,
  restoreAllMocks,
  setConfig: skip,
  resetModules: skip,
  stubGlobal(name: string, value: unknown): void {
    replaced.push([name, Object.getOwnPropertyDescriptor(globalThis, name)]);
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  },
  unstubAllGlobals(): void {
    for (const [name, before] of replaced.splice(0).reverse()) {
      if (before === undefined) Reflect.deleteProperty(globalThis, name);
      else Object.defineProperty(globalThis, name, before);
    }
  },
};
