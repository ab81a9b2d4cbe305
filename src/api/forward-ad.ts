/** What `torch.autograd.forward_ad` offers: tensors that carry a tangent. */
export {
  DualLevelScope,
  dualLevel,
  enterDualLevel,
  exitDualLevel,
  ForwardGradScope,
  isForwardGradEnabled,
  makeDual,
  setForwardGradEnabled,
  type UnpackedDual,
  unpackDual,
} from '../transform/dual.ts';
