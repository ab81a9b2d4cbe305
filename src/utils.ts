/** The entry `nabla/utils`, as `torch.utils`: checkpoints, which compute again what a backward pass needs instead of keeping it. */
import './index.ts';

export {
  type CheckpointContext,
  type CheckpointOptions,
  checkpoint,
  checkpointSequential,
  type SequentialOptions,
  type SequentialStep,
  setCheckpointDebugEnabled,
  setCheckpointEarlyStop,
} from './transform/checkpoint.ts';
export { CheckpointError } from './transform/checkpoint-error.ts';
export {
  type CheckpointPolicy,
  createSelectiveCheckpointContexts,
  type OperatorChoice,
  type PolicyFunction,
  type SelectiveCheckpointContext,
  type SelectiveOptions,
} from './transform/checkpoint-selective.ts';
