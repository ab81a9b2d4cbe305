/** Functions of `nn.functional`. */
export { functionalLogSoftmax as logSoftmax, functionalSoftmax as softmax, softmin } from '../nn/softmax.ts';
