import { type CtcOptions, ctcLoss } from '../ops/nn/ctc.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Loss } from './loss.ts';

/**
 * Connectionist temporal classification: the negative log-probability of label sequences over all alignments.
 *
 * @example
 * new nn.CTCLoss().forward(zeros([3, 1, 2]).logSoftmax(2), tensor([[1n]]), [3], [1]); // tensor(0.2877)
 */
export class CTCLoss extends Loss<CtcOptions> {
  static readonly signature: string = '*, blank, reduction, zero_infinity';
  constructor(options: CtcOptions = {}) {
    super(options);
  }
  forward(
    logProbs: Tensor,
    targets: Tensor,
    inputLengths: Tensor | number | readonly number[],
    targetLengths: Tensor | number | readonly number[],
  ): Tensor {
    type Scores = Tensor<number[], 'float32'>;
    return ctcLoss(logProbs as Scores, targets, inputLengths, targetLengths, this.options) as Tensor;
  }
}
