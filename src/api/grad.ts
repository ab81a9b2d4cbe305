import {
  type GradientPlaces,
  type GradientSeeds,
  type GradOptions,
  gradOf,
  isNamed,
  listOf,
  type NamedTensors,
} from '../tensor/autograd.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { vmap } from '../transform/vmap.ts';
import { checkOptions, isOptions } from '../util/options.ts';

/** Options of `grad`. */
export interface GradCallOptions extends GradOptions {
  /** The first dimension of each of `gradOutputs` is a batch of vectors; the gradients have it too. */
  readonly isGradsBatched?: boolean;
}

const OPTIONS: ReadonlySet<string> = new Set(['retainGraph', 'createGraph', 'allowUnused', 'materializeGrads', 'isGradsBatched']);

/**
 * The gradients of the sum of `outputs`, weighted by `gradOutputs`, with respect to `inputs`: a list in the order of the inputs, or an object if
 * they are given as one. Touches no `grad`.
 *
 * `outputs`, `inputs`: one or several, each a tensor or a `GradientEdge`. `gradOutputs`: the vectors of the vector-Jacobian product, of the shape of
 * each output; null, or left out, for outputs of one element. With `isGradsBatched` they have one more dimension in front, and the graph is walked
 * once for all of them.
 *
 * Throws AutogradError for an output that nothing recorded, and for an input that the outputs do not depend on, unless `allowUnused` (null) or
 * `materializeGrads` (zeros) is set. With `materializeGrads` an output that depends on nothing counts as the constant that it is: so the second
 * derivative of a linear function is zeros, where PyTorch throws.
 *
 * @example
 * const x = tensor([1, 2], { requiresGrad: true });
 * const [slope] = grad(x.mul(3).sum(), x, null, { createGraph: true });
 * grad(slope.sum(), x, null, { materializeGrads: true }); // [tensor([0., 0.])]
 */
export function grad(
  outputs: GradientPlaces,
  inputs: GradientPlaces,
  gradOutputs?: GradientSeeds | GradCallOptions,
  options?: GradCallOptions,
): (Tensor | null)[];
export function grad<K extends string>(
  outputs: GradientPlaces,
  inputs: Readonly<Record<K, Tensor>>,
  gradOutputs?: GradientSeeds | GradCallOptions,
  options?: GradCallOptions,
): Record<K, Tensor | null>;
export function grad(
  outputs: GradientPlaces,
  inputs: GradientPlaces | NamedTensors,
  given: GradientSeeds | GradCallOptions = null,
  givenOptions: GradCallOptions = {},
): (Tensor | null)[] | Record<string, Tensor | null> {
  const [gradOutputs, options] = isOptions(given) ? [null, given as GradCallOptions] : [given as GradientSeeds, givenOptions];
  checkOptions('grad', options, OPTIONS);
  const { isGradsBatched = false, ...rest } = options;
  const targets = isNamed(inputs) ? Object.values(inputs) : listOf(inputs);
  const found = gradOf(outputs, targets, gradOutputs, rest, isGradsBatched ? vectorised : null);
  return isNamed(inputs) ? Object.fromEntries(Object.keys(inputs).map((name, i) => [name, found[i] as Tensor | null])) : found;
}

/** One walk for a whole batch of seeds. Inputs that no gradient reaches stay null. */
function vectorised(seeds: readonly Tensor[], body: (seeds: readonly Tensor[]) => (Tensor | null)[]): (Tensor | null)[] {
  if (seeds.length === 0) return [];
  let reached!: readonly boolean[];
  const batch = vmap((...each: Tensor[]) => {
    const found = body(each);
    reached = found.map((g) => g !== null);
    return found.filter((g): g is Tensor => g !== null);
  })(...seeds);
  let at = 0;
  return reached.map((is) => (is ? (batch[at++] as Tensor) : null));
}
