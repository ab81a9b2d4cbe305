/**
 * The methods of a tensor. This layer knows none; `api/` declares them here by augmentation and attaches them to the prototype, and a test
 * holds the two lists equal.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by augmentation
export interface Methods {}
