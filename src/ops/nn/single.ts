import type { Operator } from '../../op/contract.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { compositeOperator } from '../family.ts';
import { reshape } from '../structural.ts';

/** An operator on batches in its first input and result, for a single member: one node, whatever it does inside. */
export function singleOperator<P>(operator: Operator<Tensor, P>): Operator<Tensor, P> {
  return compositeOperator<P>(operator.name, ([x, ...rest], params) => {
    const member = x as Tensor;
    const result = applyOne(operator, [reshape(member, [1, ...member.shape]), ...rest], params);
    return reshape(result, result.shape.slice(1));
  });
}
