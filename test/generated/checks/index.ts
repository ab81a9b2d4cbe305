/** The checks of one operator at a time, in the order in which they are run; memory is checked for groups, since collecting takes long. */

import type { Check } from '../report.ts';
import { aliasing } from './aliasing.ts';
import { batching } from './batching.ts';
import { composition } from './composition.ts';
import { forward, gradient, second } from './derivative.ts';
import { dtypes } from './dtypes.ts';
import { inPlace } from './in-place.ts';
import { layouts } from './layouts.ts';
import { rules } from './rules.ts';
import { bad, value } from './value.ts';

export const CHECKS: readonly Check[] = [
  value,
  bad,
  gradient,
  forward,
  second,
  batching,
  composition,
  layouts,
  inPlace,
  dtypes,
  rules,
  aliasing,
];
