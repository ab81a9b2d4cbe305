/** The arithmetic that composed operators are made of, once: operators that share one share its compiled kernels. */
import * as S from '../scalar/expr.ts';
import type { MapOperator } from '../tensor/map-operator.ts';
import { mapOperator } from './family.ts';

type Rule = (x: S.Expr, y: S.Expr) => S.Expr;

function ofTwo(name: string, rule: Rule): MapOperator {
  return mapOperator(name, 2, 0, ([x, y]) => rule(x as S.Expr, y as S.Expr));
}

function ofOne(name: string, rule: (x: S.Expr) => S.Expr): MapOperator {
  return mapOperator(name, 1, 0, ([x]) => rule(x as S.Expr));
}

export const ADD = ofTwo('add', S.add);
export const SUB = ofTwo('sub', S.sub);
export const MUL = ofTwo('mul', S.mul);
export const DIV = ofTwo('div', S.div);
export const NEG = ofOne('neg', S.neg);
export const ABS = ofOne('abs', S.abs);
export const SQRT = ofOne('sqrt', S.sqrt);
export const SQUARE = ofOne('square', (x) => S.mul(x, x));
/** A tensor times a uniform number. */
export const SCALE = mapOperator('mul', 1, 1, ([x], [factor]) => S.mul(x as S.Expr, factor as S.Expr));
