import { arg } from '../scalar/expr.ts';
import { MapOperator } from './map-operator.ts';

/** The elementwise identity: copies and casts are launches of it. */
export const IDENTITY = new MapOperator('identity', arg(0), 1, 0);
