import { NablaError } from '../util/errors.ts';

/**
 * A file that is not what it should be: the message says where and why.
 *
 * @example
 * try {
 *   fromSafetensors(new Uint8Array(3));
 * } catch (error) {
 *   error instanceof FormatError; // true
 * }
 */
export class FormatError extends NablaError {
  constructor(message: string) {
    super('FormatError', 'FORMAT', message);
  }
}
