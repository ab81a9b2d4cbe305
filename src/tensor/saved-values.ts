import { AutogradError } from '../util/errors.ts';
import { CompositeNode } from './composite-node.ts';
import { releasedMessage } from './messages.ts';
import type { Node } from './node.ts';
import { holdsSlot, markUntrusted, packSlot, readSlot } from './saved-hooks.ts';
import type { Tensor } from './tensor.ts';

/**
 * One tensor that a node keeps for its backward pass.
 *
 * @example
 * const x = tensor([3], { requiresGrad: true });
 * const y = x.sin();
 * const [saved] = autograd.graph.savedValues(y.gradFn);
 * saved.registerHooks((t) => t.toArray(), (list) => tensor(list));
 * saved.role; // 'input'
 */
export class SavedTensor {
  /** The recorded operation that was asked, of which `inner` may be a part. */
  readonly #owner: Node;
  readonly #node: Node;
  readonly #slot: number;

  constructor(owner: Node, node: Node, slot: number) {
    this.#owner = owner;
    this.#node = node;
    this.#slot = slot;
  }

  /** Whether it was an input or an output of the operation, what a custom function saved, or a value on the way. */
  get role(): 'input' | 'output' | 'saved tensor' | 'inner' {
    return this.#owner === this.#node ? this.#node.slotRole(this.#slot)[0] : 'inner';
  }

  /** Which input or output. */
  get index(): number {
    return this.#node.slotRole(this.#slot)[1];
  }

  /**
   * The tensor as the backward pass gets it, unpacked if it was packed, with its history.
   * Throws AutogradError if it was freed, or changed in place since it was saved.
   */
  unpack(): Tensor {
    this.#requireThere();
    return readSlot(this.#node, this.#slot);
  }

  /**
   * Replaces what is kept by what `pack` makes of it now; the backward pass gets what `unpack` makes of that, of the same shape and dtype.
   * Throws AutogradError if it was freed or has hooks already, InPlaceError if `pack` writes into the tensor.
   */
  registerHooks<P>(pack: (x: Tensor) => P, unpack: (packed: P) => Tensor): void {
    this.#requireThere();
    packSlot(this.#node, this.#slot, pack, unpack as (packed: never) => Tensor);
    markUntrusted(this.#owner);
  }

  #requireThere(): void {
    if (this.#owner.released || this.#node.released) throw new AutogradError(releasedMessage(this.#owner));
  }
}

/**
 * What a recorded operation keeps for its backward pass: inputs, then outputs, and for an operator composed of others what those keep. What it does not
 * read is not there. Throws AutogradError once it was freed.
 *
 * @example
 * const x = tensor([3], { requiresGrad: true });
 * const [saved] = autograd.graph.savedValues(x.sin().gradFn);
 * saved.unpack() === x; // true
 */
export function savedValues(node: Node): SavedTensor[] {
  if (node.released) throw new AutogradError(releasedMessage(node));
  const nodes = node instanceof CompositeNode ? node.inner : [node];
  return nodes.flatMap((inner) => (inner instanceof CompositeNode ? savedInside(node, inner) : slotsOf(node, inner)));
}

function savedInside(owner: Node, composite: CompositeNode): SavedTensor[] {
  return composite.inner.flatMap((inner) => (inner instanceof CompositeNode ? savedInside(owner, inner) : slotsOf(owner, inner)));
}

function slotsOf(owner: Node, node: Node): SavedTensor[] {
  const found: SavedTensor[] = [];
  for (let slot = 0; slot < node.saved.length; slot++) if (holdsSlot(node, slot)) found.push(new SavedTensor(owner, node, slot));
  return found;
}
