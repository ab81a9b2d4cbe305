/**
 * The golden vectors: what the files hold, and reading them.
 *
 * A vector set is a directory with `opinfo/index.json`, `opinfo/NAME.json.gz`, `nn.json.gz` and `train.json.gz`; its README names the fields.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** A tensor: dtype, shape, base64 of the little-endian row-major elements; `st` are the strides if it was not contiguous. */
export interface EncodedTensor {
  readonly t: string;
  readonly s: readonly number[];
  readonly d: string;
  readonly g?: boolean;
  readonly st?: readonly number[];
}

/** Any value as the files write it: JSON, with tensors and tagged values inside. */
export type Encoded = unknown;

export interface OperatorCase {
  readonly dtype: string;
  readonly args: readonly Encoded[];
  readonly kwargs: Readonly<Record<string, Encoded>>;
  readonly out: Encoded;
  readonly cots?: readonly EncodedTensor[];
  readonly grads?: readonly (EncodedTensor | null)[];
  readonly gradWeights?: readonly (EncodedTensor | null)[];
  readonly gradgrads?: readonly (EncodedTensor | null)[];
  readonly tangents?: readonly EncodedTensor[];
  readonly jvp?: readonly (EncodedTensor | null)[];
  readonly post?: string;
  readonly wrap?: string;
}

/** A call that PyTorch refuses. */
export interface BadInput {
  readonly args: readonly Encoded[];
  readonly kwargs: Readonly<Record<string, Encoded>>;
  readonly type: string;
}

export interface OperatorFile {
  readonly op: string;
  readonly variant: string;
  readonly random: boolean;
  readonly cases: readonly OperatorCase[];
  readonly errors: readonly BadInput[];
}

export interface ModuleCase {
  readonly module: string;
  readonly args: readonly Encoded[];
  readonly kwargs: Readonly<Record<string, Encoded>>;
  readonly training: boolean;
  readonly state: Readonly<Record<string, EncodedTensor>>;
  readonly inputs: readonly Encoded[];
  readonly inputKwargs: Readonly<Record<string, Encoded>>;
  readonly out: Encoded;
  readonly cots: readonly EncodedTensor[];
  readonly paramGrads: Readonly<Record<string, EncodedTensor | null>>;
  readonly inputGrads: readonly (EncodedTensor | null)[];
  readonly stateAfter: Readonly<Record<string, EncodedTensor>>;
}

export interface RandomCase {
  readonly seed: number;
  readonly call: string;
  readonly args: readonly Encoded[];
  readonly kwargs: Readonly<Record<string, Encoded>>;
  readonly first: EncodedTensor;
  readonly second: EncodedTensor;
}

export interface InitCase {
  readonly seed: number;
  readonly module: string;
  readonly args: readonly Encoded[];
  readonly kwargs: Readonly<Record<string, Encoded>>;
  readonly state: Readonly<Record<string, EncodedTensor>>;
}

export interface OptimizerCase {
  readonly optimizer: string;
  readonly kwargs: Readonly<Record<string, Encoded>>;
  readonly twoGroups: boolean;
  readonly a: EncodedTensor;
  readonly b: EncodedTensor;
  readonly x: EncodedTensor;
  readonly y: EncodedTensor;
  readonly losses: readonly number[];
  readonly finalA: EncodedTensor;
  readonly finalB: EncodedTensor;
}

export interface SchedulerCase {
  readonly scheduler: string;
  readonly kwargs: Readonly<Record<string, Encoded>>;
  readonly lr: number;
  readonly lrs: readonly number[];
  readonly momentums?: readonly number[];
  readonly metrics?: readonly number[];
}

export interface CurveCase {
  readonly seed: number;
  readonly name: string;
  readonly layers: readonly (readonly Encoded[])[];
  readonly x: readonly number[];
  readonly classes: number;
  readonly batch: number;
  readonly epochs: number;
  readonly optimizer: string;
  readonly kwargs: Readonly<Record<string, Encoded>>;
  readonly losses: readonly number[];
}

export interface TrainingFile {
  readonly random: readonly RandomCase[];
  readonly init: readonly InitCase[];
  readonly optimizers: readonly OptimizerCase[];
  readonly schedulers: readonly SchedulerCase[];
  readonly curves: readonly CurveCase[];
}

export interface IndexEntry {
  readonly op: string;
  readonly variant: string;
  readonly cases: number;
}

/** Parses one gzipped JSON file. */
export function readGzip(path: string): unknown {
  return JSON.parse(gunzipSync(readFileSync(path)).toString('utf8'));
}

/** One directory of vectors, read file by file as they are asked for. */
export class VectorSet {
  readonly directory: string;

  constructor(directory: string) {
    if (!existsSync(join(directory, 'opinfo', 'index.json'))) throw new Error(`no vectors in ${directory}: opinfo/index.json is missing`);
    this.directory = directory;
  }

  /** What the index says of every operator, by the name of its file. */
  index(): Readonly<Record<string, IndexEntry>> {
    const text = readFileSync(join(this.directory, 'opinfo', 'index.json'), 'utf8');
    return (JSON.parse(text) as { operators: Record<string, IndexEntry> }).operators;
  }

  operator(name: string): OperatorFile {
    return readGzip(join(this.directory, 'opinfo', `${name}.json.gz`)) as OperatorFile;
  }

  modules(): readonly ModuleCase[] {
    const path = join(this.directory, 'nn.json.gz');
    return existsSync(path) ? (readGzip(path) as { cases: ModuleCase[] }).cases : [];
  }

  training(): TrainingFile {
    const path = join(this.directory, 'train.json.gz');
    const none: TrainingFile = { random: [], init: [], optimizers: [], schedulers: [], curves: [] };
    return existsSync(path) ? (readGzip(path) as TrainingFile) : none;
  }
}

/** Whether a value of the files is a tensor. */
export function isEncodedTensor(value: unknown): value is EncodedTensor {
  return typeof value === 'object' && value !== null && 't' in value && 's' in value && 'd' in value;
}

/** All tensors inside a value, in the order in which PyTorch walks it. */
export function tensorsIn(value: Encoded, found: EncodedTensor[] = []): EncodedTensor[] {
  if (isEncodedTensor(value)) found.push(value);
  else if (Array.isArray(value)) for (const item of value) tensorsIn(item, found);
  else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) tensorsIn(item, found);
  return found;
}
