import { checkWritable, markWritten, rebase } from '../../tensor/inplace.ts';
import { describeTensor } from '../../tensor/messages.ts';
import { metaOf, type ViewOrigin } from '../../tensor/meta.ts';
import { mode } from '../../tensor/modes.ts';
import type { Node } from '../../tensor/node.ts';
import { aliasOf, isTensor, type Tensor } from '../../tensor/tensor.ts';
import { isTracked } from '../../tensor/views.ts';
import { AutogradError, InPlaceError } from '../../util/errors.ts';
import type { FunctionContext } from './context.ts';
import { CustomNode } from './node.ts';
import { type Called, type Marks, type Rules, resultsOf } from './rules.ts';

/**
 * What becomes of the results of a forward that ran on plain tensors: new ones get the history; an argument that is returned as it is becomes a view
 * of itself; one that was written takes the history over; what carries no gradient loses it.
 */
export function settle(rules: Rules, context: FunctionContext, args: readonly unknown[], output: unknown, recorded: boolean): Called {
  const { dirty, nonDifferentiable } = context.state();
  const results = resultsOf(output);
  const unreturned = dirty.find((x) => !results.includes(x));
  if (unreturned !== undefined) {
    throw new AutogradError(
      `${rules.name}: forward marked ${describeTensor(unreturned)} dirty and did not return it: what it changes in place must be among its results`,
    );
  }
  const marks: Marks = {
    written: results.map((y) => (isTensor(y) && dirty.includes(y) ? args.indexOf(y) : -1)),
    nonDifferentiable: results.flatMap((y, i) => (isTensor(y) && nonDifferentiable.includes(y) ? [i] : [])),
  };
  const differentiable = results.map((y, i) => recorded && isDifferentiable(y) && !marks.nonDifferentiable.includes(i));
  for (const y of new Set(results.filter((_, i) => (marks.written[i] as number) >= 0) as Tensor[]))
    refuseUnwritable(rules.name, y, results.length);
  const placed = placeResults(rules.name, args, results, marks, differentiable);
  if (recorded) {
    const node = new CustomNode(rules, context, args, results, marks.nonDifferentiable);
    placed.forEach((y, i) => {
      if (differentiable[i] === true) giveHistory(node, y as Tensor, i, (marks.written[i] as number) >= 0);
    });
  }
  forbidWritingViews(placed, marks, differentiable.filter(Boolean).length > 1);
  return { output: Array.isArray(output) ? placed : placed[0], context, marks };
}

function isDifferentiable(y: unknown): boolean {
  return isTensor(y) && (y.type.isFloat || y.type.isComplex);
}

function refuseUnwritable(name: string, target: Tensor, results: number): void {
  checkWritable(name, target);
  if (target.meta?.base && results > 1) {
    throw new InPlaceError(
      `${name}: it changes ${describeTensor(target)}, which is a view, in place and returns ${results} results: the history of a view is rewritten through its base, so return that one result only, or do not write in place`,
    );
  }
}

/** The handles that the caller gets. The same tensor returned twice stays one. */
function placeResults(
  name: string,
  args: readonly unknown[],
  results: readonly unknown[],
  marks: Marks,
  differentiable: readonly boolean[],
): unknown[] {
  const known = new Map<Tensor, Tensor>();
  return results.map((y, i) => {
    if (!isTensor(y)) return y;
    const before = known.get(y);
    if (before !== undefined) return before;
    const written = (marks.written[i] as number) >= 0;
    if (written) markWritten(y, name);
    const placed = written ? y : args.includes(y) ? viewAsItself(y) : differentiable[i] === true ? y : cutLoose(y);
    known.set(y, placed);
    return placed;
  });
}

function viewAsItself(x: Tensor): Tensor {
  const view = aliasOf(x);
  const meta = metaOf(view);
  meta.base = x.meta?.base ?? x;
  meta.viewVersion = x.storage.version;
  meta.origin = 'no-grad';
  return view;
}

/** A view keeps the history that its base gives it. */
function cutLoose(y: Tensor): Tensor {
  if (isTracked(y) && !y.meta?.base) {
    y.node = null;
    y.tracked = false;
  }
  return y;
}

/** Makes `y` the result of `node`, if its dtype has gradients; what was written passes the history on to its base. */
export function giveHistory(node: Node, y: Tensor, index: number, written: boolean): void {
  if (!y.type.isFloat && !y.type.isComplex) return;
  const result = written ? aliasOf(y) : y;
  result.node = node;
  result.outputIndex = index;
  result.tracked = true;
  if (written) rebase(y, result);
}

/** Writing into a view would put the history of its base in the place of the function's derivative. */
function forbidWritingViews(results: readonly unknown[], marks: Marks, several: boolean): void {
  if (!mode.grad) return;
  const origin: ViewOrigin = several ? 'multi' : 'custom';
  results.forEach((y, i) => {
    if (!isTensor(y) || !y.meta?.base || (marks.written[i] as number) >= 0) return;
    y.meta.origin = origin;
    y.meta.viewVersion = y.storage.version;
  });
}
