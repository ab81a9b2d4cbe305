import { t } from '../op/contract.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { compositeOperator, described, requireTensor } from './family.ts';
import { matrixProduct } from './matmul.ts';
import { diagonalOf } from './movement.ts';
import { expand, permute, reshape, sumDimsOperator } from './structural.ts';
import type { EinsumFunction } from './types.ts';

/** A parsed equation: labels of each operand and of the result. Labels below 0 stand for the dimensions of an ellipsis. */
interface Plan {
  readonly operands: readonly (readonly number[])[];
  readonly output: readonly number[];
}

/** A tensor whose dimensions have labels, each once. */
interface Labelled {
  readonly tensor: Tensor;
  readonly labels: readonly number[];
}

function letters(equation: string, part: string): (number | '...')[] {
  const found: (number | '...')[] = [];
  for (let i = 0; i < part.length; i++) {
    const c = part.charAt(i);
    if (c === ' ') continue;
    if (part.startsWith('...', i)) {
      if (found.includes('...')) throw new ArgumentError(`einsum: '${equation}': an operand has more than one ellipsis`);
      found.push('...');
      i += 2;
    } else if (/[a-zA-Z]/.test(c)) found.push(c.charCodeAt(0));
    else throw new ArgumentError(`einsum: '${equation}': '${c}' is no letter; subscripts are letters and '...'`);
  }
  return found;
}

function parse(equation: string, tensors: readonly Tensor[]): Plan {
  const sides = equation.split('->');
  if (sides.length > 2) throw new ArgumentError(`einsum: '${equation}': more than one arrow`);
  const inputs = (sides[0] as string).split(',');
  if (inputs.length !== tensors.length)
    throw new ArgumentError(`einsum: '${equation}' has ${inputs.length} operands, got ${tensors.length} tensors`);
  const parsed = inputs.map((part) => letters(equation, part));
  const widths = parsed.map((labels, i) => ellipsisWidth(equation, labels, tensors[i] as Tensor));
  const width = Math.max(0, ...widths);
  const ellipsis = (w: number): number[] => Array.from({ length: w }, (_, k) => k - w);
  const operands = parsed.map((labels, i) => labels.flatMap((l) => (l === '...' ? ellipsis(widths[i] as number) : [l])));
  const right = sides.length === 2 ? letters(equation, sides[1] as string) : null;
  const output = right === null ? implicitOutput(operands, width) : right.flatMap((l) => (l === '...' ? ellipsis(width) : [l]));
  checkOutput(equation, output, operands);
  return { operands, output };
}

function ellipsisWidth(equation: string, labels: readonly (number | '...')[], x: Tensor): number {
  const named = labels.filter((l) => l !== '...').length;
  const has = labels.includes('...');
  if (has ? x.ndim < named : x.ndim !== named) {
    throw new ShapeError(
      `einsum: '${equation}': an operand has ${named} subscripts${has ? ' beside its ellipsis' : ''} but shape ${formatShape(x.shape)}`,
    );
  }
  return has ? x.ndim - named : 0;
}

/** Without an arrow: the ellipsis, then the letters that occur once, in alphabetical order. */
function implicitOutput(operands: readonly (readonly number[])[], width: number): number[] {
  const all = operands.flat().filter((l) => l >= 0);
  const once = [...new Set(all)].filter((l) => all.indexOf(l) === all.lastIndexOf(l)).sort((a, b) => a - b);
  return [...Array.from({ length: width }, (_, k) => k - width), ...once];
}

function checkOutput(equation: string, output: readonly number[], operands: readonly (readonly number[])[]): void {
  output.forEach((l, i) => {
    if (output.indexOf(l) !== i) throw new ArgumentError(`einsum: '${equation}': the output names '${String.fromCharCode(l)}' twice`);
    if (l >= 0 && !operands.some((labels) => labels.includes(l)))
      throw new ArgumentError(`einsum: '${equation}': '${String.fromCharCode(l)}' of the output is in no input`);
  });
}

/** Sizes of all labels; sizes of 1 broadcast. */
function sizesOf(equation: string, plan: Plan, tensors: readonly Tensor[]): Map<number, number> {
  const sizes = new Map<number, number>();
  plan.operands.forEach((labels, k) => {
    labels.forEach((label, i) => {
      const size = (tensors[k] as Tensor).shape[i] as number;
      const known = sizes.get(label) ?? 1;
      if (known !== size && known !== 1 && size !== 1) {
        throw new ShapeError(`einsum: '${equation}': '${label < 0 ? '...' : String.fromCharCode(label)}' is both ${known} and ${size}`);
      }
      sizes.set(label, known === 1 ? size : known);
    });
  });
  return sizes;
}

/** Takes diagonals until each label occurs once. */
function distinct(x: Labelled): Labelled {
  const repeated = x.labels.findIndex((l, i) => x.labels.indexOf(l) !== i);
  if (repeated < 0) return x;
  const first = x.labels.indexOf(x.labels[repeated] as number);
  const size = Math.max(x.tensor.shape[first] as number, x.tensor.shape[repeated] as number);
  const square = expand(
    x.tensor,
    x.tensor.shape.map((s, i) => (i === first || i === repeated ? size : s)),
  );
  const rest = x.labels.filter((_, i) => i !== first && i !== repeated);
  return distinct({ tensor: diagonalOf(square, 0, first, repeated), labels: [...rest, x.labels[repeated] as number] });
}

/** Sums over the labels that nothing else needs. */
function sumAway(x: Labelled, needed: ReadonlySet<number>): Labelled {
  const dims = x.labels.flatMap((l, i) => (needed.has(l) ? [] : [i]));
  if (dims.length === 0) return x;
  return { tensor: applyOne(sumDimsOperator, [x.tensor], { dims, type: x.tensor.type }), labels: x.labels.filter((l) => needed.has(l)) };
}

/** The dimensions named by `labels`, in that order, missing ones of size 1. */
function arranged(x: Labelled, labels: readonly number[]): Tensor {
  const present = labels.filter((l) => x.labels.includes(l));
  const ordered = permute(
    x.tensor,
    present.map((l) => x.labels.indexOf(l)),
  );
  let at = 0;
  return reshape(
    ordered,
    labels.map((l) => (x.labels.includes(l) ? (ordered.shape[at++] as number) : 1)),
  );
}

/** Contracts two operands by one batched matrix product: batch = in both and needed later, contracted = in both and not. */
function contract(a: Labelled, b: Labelled, needed: ReadonlySet<number>): Labelled {
  const left = sumAway(a, new Set([...needed, ...b.labels]));
  const right = sumAway(b, new Set([...needed, ...a.labels]));
  const both = left.labels.filter((l) => right.labels.includes(l));
  const batch = both.filter((l) => needed.has(l));
  const inner = both.filter((l) => !needed.has(l));
  const rows = left.labels.filter((l) => !both.includes(l));
  const columns = right.labels.filter((l) => !both.includes(l));
  const size = (x: Labelled, l: number): number => x.tensor.shape[x.labels.indexOf(l)] as number;
  const common = (l: number): number => Math.max(size(left, l) === 1 ? size(right, l) : size(left, l), 0);
  const total = (sizes: readonly number[]): number => sizes.reduce((p, q) => p * q, 1);
  const innerSizes = inner.map(common);
  const l = expand(arranged(left, [...batch, ...rows, ...inner]), [
    ...batch.map((k) => size(left, k)),
    ...rows.map((k) => size(left, k)),
    ...innerSizes,
  ]);
  const r = expand(arranged(right, [...batch, ...inner, ...columns]), [
    ...batch.map((k) => size(right, k)),
    ...innerSizes,
    ...columns.map((k) => size(right, k)),
  ]);
  const m = total(rows.map((k) => size(left, k)));
  const n = total(columns.map((k) => size(right, k)));
  const product = matrixProduct(
    reshape(l, [...batch.map((k) => size(left, k)), m, total(innerSizes)]),
    reshape(r, [...batch.map((k) => size(right, k)), total(innerSizes), n]),
  );
  const batchSizes = product.shape.slice(0, batch.length);
  return {
    tensor: reshape(product, [...batchSizes, ...rows.map((k) => size(left, k)), ...columns.map((k) => size(right, k))]),
    labels: [...batch, ...rows, ...columns],
  };
}

interface EinsumParams {
  readonly plan: Plan;
  readonly sizes: ReadonlyMap<number, number>;
}

const einsumOperator = compositeOperator<EinsumParams>('einsum', (tensors, { plan, sizes }) => {
  const operands = tensors.map((tensor, k) => distinct({ tensor, labels: plan.operands[k] as readonly number[] }));
  let current = operands[0] as Labelled;
  for (let k = 1; k < operands.length; k++) {
    const needed = new Set([...plan.output, ...operands.slice(k + 1).flatMap((x) => x.labels)]);
    current = contract(current, operands[k] as Labelled, needed);
  }
  const summed = sumAway(current, new Set(plan.output));
  return expand(
    arranged(summed, plan.output),
    plan.output.map((l) => sizes.get(l) ?? 1),
  );
});

/**
 * Sums of products in Einstein's notation: letters name dimensions, repeated letters that the output lacks are summed over, `...` stands for
 * leading dimensions that broadcast. Without an arrow the output has the letters that occur once, sorted.
 * Throws ShapeError where a letter stands for two sizes.
 *
 * @example
 * einsum('ij,jk->ik', ones([2, 3]), ones([3, 4])).shape; // [2, 4]
 */
export const einsum: EinsumFunction = described(
  'einsum',
  (equation: string, ...operands: (Tensor | readonly Tensor[])[]): Tensor => {
    const tensors = (operands.length === 1 && Array.isArray(operands[0]) ? operands[0] : operands) as Tensor[];
    if (typeof equation !== 'string') throw new ArgumentError('einsum: the first argument is the equation, a string');
    for (const [i, x] of tensors.entries()) requireTensor('einsum', `operand ${i}`, x);
    if (tensors.length === 0) throw new ArgumentError('einsum: needs at least one operand');
    const plan = parse(equation, tensors);
    return applyOne(einsumOperator, tensors, { plan, sizes: sizesOf(equation, plan, tensors) });
  },
  {
    signature: 'equation, ...operands',
    samples: [
      { args: ['ij,jk->ik', t([2, 3]), t([3, 4])] },
      { args: ['ii->i', t([3, 3])] },
      { args: ['...ij->...ji', t([2, 3, 4])] },
      { args: ['i,j', t([2]), t([3])] },
      { args: ['bij,bjk,kl->bil', t([2, 3, 4]), t([2, 4, 3]), t([3, 2])] },
    ],
    bad: [{ args: ['ij,jk->ik', t([2, 3]), t([4, 5])], error: /'j' is both 3 and 4/ }],
  },
);
