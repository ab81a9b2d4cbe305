/** The lists of methods and the declarations of their types hold the same names. */

import type { InPlaceName, MethodName } from 'nabla/api/method-names';
import type { OperatorMethods } from 'nabla/api/methods';
import { same } from './assert.ts';

type Listed = MethodName | `${InPlaceName}_`;

// Listed in src/api/method-names.ts, not declared in src/api/methods/.
same<Exclude<Listed, keyof OperatorMethods>, never>();
// Declared, not listed.
same<Exclude<keyof OperatorMethods, Listed>, never>();
