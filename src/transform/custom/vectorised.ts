import { formatShape } from '../../shape/shape.ts';
import { mode } from '../../tensor/modes.ts';
import { structural } from '../../tensor/structural.ts';
import { isTensor, type Tensor } from '../../tensor/tensor.ts';
import { AutogradError } from '../../util/errors.ts';
import { BatchedDraws, Batching } from '../batching.ts';
import { withInterpreter } from '../interpret.ts';
import { FunctionContext, readingForward } from './context.ts';
import { type Rules, resultsOf } from './rules.ts';

/** Values of a batch, and the handles that stand for one member while a rule runs. */
class Members {
  readonly #batching: Batching;
  readonly #handles = new Map<Tensor, Tensor>();
  constructor(batching: Batching) {
    this.#batching = batching;
  }

  handle<X>(x: X, batched: boolean): X | Tensor {
    if (!isTensor(x) || !batched) return x;
    const known = this.#handles.get(x);
    if (known !== undefined) return known;
    const made = this.#batching.lift(x);
    this.#handles.set(x, made);
    return made;
  }

  isBatched(x: Tensor): boolean {
    return this.#batching.valueOf(x) !== null;
  }

  /** The value behind a handle; what is the same for all members as it is. */
  value(x: Tensor): Tensor {
    return this.#batching.valueOf(x) ?? x;
  }

  /** The value with the batch in front, also of what is the same for all members. */
  spread(x: Tensor): Tensor {
    return this.#batching.whole(x);
  }

  /** The same for a list or a single value; a tensor that occurs twice stays one. */
  spreadAll(output: unknown): unknown {
    const known = new Map<Tensor, Tensor>();
    const spread = (y: unknown): unknown => {
      if (!isTensor(y)) return y;
      const value = known.get(y) ?? this.spread(y);
      known.set(y, value);
      return value;
    };
    return Array.isArray(output) ? output.map(spread) : spread(output);
  }
}

/** What `setupContext` left when it ran on handles: its properties, which of the saved values have the batch, and the shapes of the arguments. */
interface Inner {
  readonly properties: FunctionContext;
  readonly backward: readonly boolean[];
  readonly forward: readonly boolean[];
  readonly shapes: readonly (readonly number[])[];
}

const inners = new WeakMap<FunctionContext, Inner>();

/** The function on whole batches: each of its rules runs once, on handles that stand for one member. */
export function vectorised(rules: Rules, batched: readonly boolean[], size: number): Rules {
  const within = <R>(run: (members: Members) => R): R => onMembers(size, run);
  const handles = (members: Members, args: readonly unknown[]): unknown[] => args.map((x, i) => members.handle(x, batched[i] === true));
  return {
    name: rules.name,
    vmap: 'generate',
    forward: (context, args) => within((members) => members.spreadAll(rules.forward(context, handles(members, args)))),
    setup: (context, args, output) => within((members) => setUp(rules, members, context, handles(members, args), output)),
    backward: (context, grads) =>
      within((members) => {
        const { shapes } = inners.get(context) as Inner;
        const inner = resumed(context, members, 'backward');
        const given = grads.map((g) => members.handle(g, true));
        return resultsOf(rules.backward(inner, given)).map((g, i) =>
          isTensor(g) ? gathered(rules.name, members, g, shapes[i] ?? [], batched[i] === true) : g,
        );
      }),
    jvp: (context, tangents) =>
      within((members) => {
        const inner = resumed(context, members, 'forward');
        const given = handles(members, tangents) as (Tensor | null)[];
        return members.spreadAll(readingForward(inner, () => rules.jvp(inner, given)));
      }),
  };
}

/** Runs a rule with a batch of its own. Random draws are as in the vmap that runs; a backward pass after it draws nothing. */
function onMembers<R>(size: number, run: (members: Members) => R): R {
  return withInterpreter((level) => {
    const batching = new Batching(level, size);
    const before = mode.randomness;
    const around = before instanceof BatchedDraws ? before : null;
    mode.randomness = around?.outer ?? null;
    mode.randomness = new BatchedDraws(batching, around?.randomness ?? 'error');
    try {
      return run(new Members(batching));
    } finally {
      mode.randomness = before;
      batching.ended = true;
    }
  });
}

/** Runs `setupContext` on handles, and keeps the values behind what it saved in the context of the batch. */
function setUp(rules: Rules, members: Members, context: FunctionContext, args: readonly unknown[], output: unknown): void {
  const inner = new FunctionContext(rules.name);
  inner.needsInputGrad = context.needsInputGrad;
  const values = resultsOf(output);
  const results = values.map((y) => members.handle(y, true));
  rules.setup?.(inner, args, Array.isArray(output) ? results : results[0]);
  const { backward, forward, dirty, nonDifferentiable, materialize, materializeNonDifferentiable } = inner.state();
  if (dirty.length > 0) {
    throw new AutogradError(
      `${rules.name}: markDirty and generateVmapRule do not go together, since a member of a batch cannot be written in place: write static vmap(info, inDims, ...args)`,
    );
  }
  const known = (x: Tensor | null): boolean => x !== null && members.isBatched(x);
  const valueBehind = (x: Tensor | null): Tensor | null => (x === null ? null : members.value(x));
  context.saveForBackward(...backward.tensors.map(valueBehind));
  context.saveForForward(...forward.tensors.map(valueBehind));
  context.setMaterializeGrads(materialize, { nonDifferentiable: materializeNonDifferentiable });
  context.markNonDifferentiable(...(values.filter((_, i) => nonDifferentiable.includes(results[i] as Tensor)) as Tensor[]));
  inners.set(context, {
    properties: Object.assign(new FunctionContext(rules.name), inner),
    backward: backward.tensors.map(known),
    forward: forward.tensors.map(known),
    shapes: args.map((x) => (isTensor(x) ? x.shape : [])),
  });
}

/** The context of one member again, with handles on the values that were saved. */
function resumed(context: FunctionContext, members: Members, role: 'backward' | 'forward'): FunctionContext {
  const kept = inners.get(context) as Inner;
  const inner = Object.assign(new FunctionContext(context.state().name), kept.properties);
  const saved = context.savedTensors.map((x: Tensor | null, i) => members.handle(x, kept[role][i] === true));
  if (role === 'backward') inner.saveForBackward(...saved);
  else inner.saveForForward(...saved);
  inner.state().node = context.state().node;
  return inner;
}

/** The gradient of an argument from that of one member: with the batch in front, or summed over the members where they shared the argument. */
function gathered(name: string, members: Members, g: Tensor, shape: readonly number[], batched: boolean): Tensor {
  const fitted = formatShape(g.shape) === formatShape(shape) ? g : summed(name, g, shape);
  const value = members.spread(fitted);
  return batched ? value : structural().sumTo(value, shape);
}

function summed(name: string, g: Tensor, shape: readonly number[]): Tensor {
  const shift = g.ndim - shape.length;
  if (shift < 0 || shape.some((size, i) => size !== 1 && size !== g.shape[i + shift])) {
    throw new AutogradError(
      `${name}: backward returned a gradient of shape ${formatShape(g.shape)} under vmap for an argument of shape ${formatShape(shape)}: return the shape of the argument, or one that broadcasting can sum back to it`,
    );
  }
  return structural().sumTo(g, shape);
}
