/** Programs that make the calls of all samples, for the compiler to say what it makes of their shapes and dtypes. */
import { IN_PLACE, METHODS } from '../../src/api/method-names.ts';
import { isTensor, noGrad, type Tensor } from '../../src/index.ts';
import type { Sample, SampleTensor } from '../../src/op/contract.ts';
import { METHOD_FORMS } from '../../src/ops/method-forms.ts';
import { attempt, callsOf, type SampleCall } from '../generated/calls.ts';
import { collect, type Entry } from '../generated/operators.ts';

/** How a sample is called. */
export type Form = 'function' | 'method' | 'in place' | 'untyped';
/** What a line of the program claims: that the call compiles, that the type admits the result, that it is the result's. */
export type Claim = 'compiles' | 'fits' | 'exact';

export interface Line {
  readonly operator: string;
  readonly form: Form;
  readonly claim: Claim;
  readonly text: string;
}

interface Result {
  /** How the program reaches it from the call's value. */
  readonly path: string;
  readonly tensor: Tensor;
}

export const HEAD = [
  "import * as nabla from 'nabla'; import type { DTypeOf, ShapeOf, Tensor } from 'nabla';",
  'declare function fits<S, D>(): <X>(x: [S, D] extends [ShapeOf<X>, DTypeOf<X>] ? X : { got: [ShapeOf<X>, DTypeOf<X>]; want: [S, D] }) => void;',
  'declare function exact<S, D>(): <X>(x: [ShapeOf<X>, DTypeOf<X>] extends [S, D] ? X : { got: [ShapeOf<X>, DTypeOf<X>]; want: [S, D] }) => void;',
];

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The arguments of a sample as a program writes them; undefined where one cannot be written. */
function writtenArguments(call: SampleCall, sample: Sample, typed: boolean): string[] | undefined {
  let next = 0;
  const tensor = (): string => {
    const { shape, dtype } = call.slots[next++] as SampleCall['slots'][number];
    return typed ? `(null! as Tensor<[${shape.join(', ')}], '${dtype}'>)` : '(null! as Tensor)';
  };
  const write = (value: unknown): string | undefined => {
    if (isPlain(value) && Array.isArray((value as unknown as SampleTensor).shape)) return tensor();
    if (Array.isArray(value)) return list(value, '[', ']');
    if (isPlain(value)) {
      const entries = Object.entries(value).map(([key, item]) => [key, write(item)] as const);
      return entries.some(([, item]) => item === undefined)
        ? undefined
        : `{ ${entries.map(([key, item]) => `${key}: ${item}`).join(', ')} }`;
    }
    if (typeof value === 'number' && !Number.isFinite(value)) return Number.isNaN(value) ? 'Number.NaN' : `${value > 0 ? '' : '-'}Infinity`;
    if (typeof value === 'bigint') return `${value}n`;
    if (value === null || value === undefined || ['number', 'boolean'].includes(typeof value)) return String(value);
    return typeof value === 'string' ? JSON.stringify(value) : undefined;
  };
  const list = (values: readonly unknown[], open: string, close: string): string | undefined => {
    const written = values.map(write);
    return written.includes(undefined) ? undefined : `${open}${written.join(', ')}${close}`;
  };
  const written = sample.args.map(write);
  return written.includes(undefined) ? undefined : (written as string[]);
}

/** The tensors in a result. */
function resultsOf(value: unknown, path = ''): Result[] {
  if (isTensor(value)) return [{ path, tensor: value as Tensor }];
  if (Array.isArray(value)) return value.flatMap((item, i) => resultsOf(item, `${path}[${i}]!`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => resultsOf(item, `${path}.${key}`));
}

function claims(operator: string, form: Form, written: string, results: readonly Result[]): Line[] {
  const line = (claim: Claim, text: string): Line => ({ operator, form, claim, text });
  const lines = [line('compiles', `r = ${written};`)];
  for (const { path, tensor } of results) {
    const types = `[${tensor.shape.join(', ')}], '${tensor.dtype}'`;
    const value = path === '' ? written : `(${written})${path}`;
    lines.push(line('fits', `fits<${types}>()(${value});`));
    if (form === 'function' || form === 'method') lines.push(line('exact', `exact<${types}>()(${value});`));
  }
  return lines;
}

/** The name of the method that is the operator, if there is one. */
function methodOf(entry: Entry, call: SampleCall): string | undefined {
  const name = entry.paths.find((path) => METHODS.includes(path));
  return call.startsWithTensor ? name : undefined;
}

/** The results of a method where it accepts the sample. */
function methodResults(call: SampleCall, name: string): Result[] | undefined {
  const tensors = call.tensors();
  const made = attempt(() =>
    noGrad(() => call.invoke(tensors, (self, ...rest) => (self as Record<string, (...args: unknown[]) => unknown>)[name]?.(...rest))),
  );
  return 'value' in made ? resultsOf(made.value) : undefined;
}

function linesOf(entry: Entry, call: SampleCall): Line[] {
  const sample = entry.description.samples[call.index] as Sample;
  const [path] = entry.paths as [string];
  const typed = writtenArguments(call, sample, true);
  const untyped = writtenArguments(call, sample, false);
  if (typed === undefined || untyped === undefined) return [];
  const results = resultsOf(noGrad(() => call.invoke(call.tensors())));
  const lines = [
    ...claims(path, 'function', `nabla.${path}(${typed.join(', ')})`, results),
    ...claims(path, 'untyped', `nabla.${path}(${untyped.join(', ')})`, results),
  ];
  const method = methodOf(entry, call);
  if (method === undefined) return lines;
  // A method with a form of its own may take less than the function does, or something else.
  const found = METHOD_FORMS[method] === undefined ? results : methodResults(call, method);
  if (found === undefined) return lines;
  const as = (name: string, [self, ...rest]: readonly string[]): string => `${self}.${name}(${rest.join(', ')})`;
  lines.push(...claims(path, 'method', as(method, typed), found), ...claims(path, 'untyped', as(method, untyped), found));
  const written = IN_PLACE.includes(method) ? methodResults(call, `${method}_`) : undefined;
  if (written !== undefined) lines.push(...claims(path, 'in place', as(`${method}_`, typed), written));
  return lines;
}

/** Every sample of every operator that the entry exports, in all its forms. */
export function sampleLines(): Line[] {
  return collect().flatMap((entry) => callsOf(entry).flatMap((call) => linesOf(entry, call)));
}
