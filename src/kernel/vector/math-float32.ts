import type { VectorRule } from './emitter.ts';
export const float32Functions: Record<string, VectorRule> = {};
