/** What `torch.autograd.forward_ad` offers: tensors that carry a tangent. */
export {
  type DualLevelScope,
  dualLevel,
  enterDualLevel,
  exitDualLevel,
  type ForwardGradScope,
  isForwardGradEnabled,
  makeDual,
  setForwardGradEnabled,
  type UnpackedDual,
  unpackDual,
} from '../transform/dual.ts';
