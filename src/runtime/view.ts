/** What a device sees of a tensor: where its elements are and of which type. */
import type { DTypeInfo } from '../dtype/dtype.ts';
import type { Storage } from './storage.ts';

/** A strided window of a storage. Tensors are views; a backend needs nothing more of them. */
export interface View {
  readonly storage: Storage;
  /** Where the first element is, in elements from the start of the storage. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** Elements to step along each dimension: may be 0 or negative. */
  readonly strides: readonly number[];
  readonly type: DTypeInfo;
  /** How many elements there are. */
  readonly size: number;
  /** Whether the elements lie one after the other in row-major order. */
  readonly rowMajor: boolean;
}
