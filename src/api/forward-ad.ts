/** What `torch.autograd.forward_ad` offers: tensors that carry a tangent. */
export {
  DualLevelScope,
  dualLevel,
  enterDualLevel,
  exitDualLevel,
  makeDual,
  type UnpackedDual,
  unpackDual,
} from '../transform/dual.ts';
