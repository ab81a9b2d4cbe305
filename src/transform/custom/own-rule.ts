import { describeValue } from '../../tensor/messages.ts';
import { mode } from '../../tensor/modes.ts';
import { structural } from '../../tensor/structural.ts';
import { isTensor, type Tensor } from '../../tensor/tensor.ts';
import { ArgumentError } from '../../util/errors.ts';
import { BatchedDraws, type Batching } from '../batching.ts';
import { FunctionContext } from './context.ts';
import { type Called, type Rules, resultsOf } from './rules.ts';

/** vmap by the function's own rule: it gets the values with the batch in front, and says where the batch is in what it returns. */
export function byOwnRule(
  top: Batching,
  rules: Rules,
  rule: Exclude<Rules['vmap'], 'generate' | null>,
  values: readonly unknown[],
  batched: readonly boolean[],
): Called {
  const randomness = mode.randomness instanceof BatchedDraws ? mode.randomness.randomness : 'error';
  const returned = rule(
    { batchSize: top.size, randomness },
    batched.map((is) => (is ? 0 : null)),
    values,
  );
  if (!Array.isArray(returned) || returned.length !== 2) {
    throw new ArgumentError(
      `${rules.name}: vmap returned ${describeValue(returned)}: return [output, outDims], with a dimension (or null where there is no batch) for each result`,
    );
  }
  const [output, outDims] = returned as [unknown, unknown];
  const results = resultsOf(output);
  const dims = Array.isArray(outDims) ? (outDims as unknown[]) : results.map(() => outDims);
  if (dims.length !== results.length) {
    throw new ArgumentError(`${rules.name}: vmap returned ${dims.length} outDims for ${results.length} results: return one for each`);
  }
  const lifted = results.map((y, i) => {
    const dim = dims[i] ?? null;
    if (!isTensor(y) || dim === null) return y;
    if (typeof dim !== 'number')
      throw new ArgumentError(
        `${rules.name}: vmap returned ${describeValue(dim)} as the dimension of result ${i}: return a number or null`,
      );
    const value = withBatchInFront(y, dim);
    if (value === null || value.shape[0] !== top.size) {
      throw new ArgumentError(
        `${rules.name}: vmap said that dimension ${dim} of result ${i} of shape [${y.shape.join(', ')}] is the batch, which has ${top.size} members`,
      );
    }
    return top.lift(value);
  });
  return {
    output: Array.isArray(output) ? lifted : lifted[0],
    context: new FunctionContext(rules.name),
    marks: { written: results.map(() => -1), nonDifferentiable: [] },
  };
}

function withBatchInFront(y: Tensor, dim: number): Tensor | null {
  const at = dim < 0 ? dim + y.ndim : dim;
  if (!(at >= 0 && at < y.ndim)) return null;
  return at === 0 ? y : structural().permute(y, [at, ...y.shape.map((_, i) => i).filter((i) => i !== at)]);
}
