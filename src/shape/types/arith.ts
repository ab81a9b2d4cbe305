/**
 * Arithmetic on number literals in types: school arithmetic on decimal digits, looked up in tables. Counting with tuples, the usual way, cannot do
 * it: it stops at some thousands, and a product of two numbers of three digits takes gigabytes.
 *
 * Operands are literals that are not negative; every operator gives `number` as soon as one operand is plain `number`.
 */

/** Two digits of a sum: [digit][digit] -> carry and digit. */
type SumOf = [
  ['00', '01', '02', '03', '04', '05', '06', '07', '08', '09'],
  ['01', '02', '03', '04', '05', '06', '07', '08', '09', '10'],
  ['02', '03', '04', '05', '06', '07', '08', '09', '10', '11'],
  ['03', '04', '05', '06', '07', '08', '09', '10', '11', '12'],
  ['04', '05', '06', '07', '08', '09', '10', '11', '12', '13'],
  ['05', '06', '07', '08', '09', '10', '11', '12', '13', '14'],
  ['06', '07', '08', '09', '10', '11', '12', '13', '14', '15'],
  ['07', '08', '09', '10', '11', '12', '13', '14', '15', '16'],
  ['08', '09', '10', '11', '12', '13', '14', '15', '16', '17'],
  ['09', '10', '11', '12', '13', '14', '15', '16', '17', '18'],
];

/** The same with a carry of one. */
type SumWithCarry = [
  ['01', '02', '03', '04', '05', '06', '07', '08', '09', '10'],
  ['02', '03', '04', '05', '06', '07', '08', '09', '10', '11'],
  ['03', '04', '05', '06', '07', '08', '09', '10', '11', '12'],
  ['04', '05', '06', '07', '08', '09', '10', '11', '12', '13'],
  ['05', '06', '07', '08', '09', '10', '11', '12', '13', '14'],
  ['06', '07', '08', '09', '10', '11', '12', '13', '14', '15'],
  ['07', '08', '09', '10', '11', '12', '13', '14', '15', '16'],
  ['08', '09', '10', '11', '12', '13', '14', '15', '16', '17'],
  ['09', '10', '11', '12', '13', '14', '15', '16', '17', '18'],
  ['10', '11', '12', '13', '14', '15', '16', '17', '18', '19'],
];

/** Two digits of a difference: [digit][digit] -> borrow and digit. */
type DifferenceOf = [
  ['00', '19', '18', '17', '16', '15', '14', '13', '12', '11'],
  ['01', '00', '19', '18', '17', '16', '15', '14', '13', '12'],
  ['02', '01', '00', '19', '18', '17', '16', '15', '14', '13'],
  ['03', '02', '01', '00', '19', '18', '17', '16', '15', '14'],
  ['04', '03', '02', '01', '00', '19', '18', '17', '16', '15'],
  ['05', '04', '03', '02', '01', '00', '19', '18', '17', '16'],
  ['06', '05', '04', '03', '02', '01', '00', '19', '18', '17'],
  ['07', '06', '05', '04', '03', '02', '01', '00', '19', '18'],
  ['08', '07', '06', '05', '04', '03', '02', '01', '00', '19'],
  ['09', '08', '07', '06', '05', '04', '03', '02', '01', '00'],
];

/** The same with a borrow of one. */
type DifferenceWithBorrow = [
  ['19', '18', '17', '16', '15', '14', '13', '12', '11', '10'],
  ['00', '19', '18', '17', '16', '15', '14', '13', '12', '11'],
  ['01', '00', '19', '18', '17', '16', '15', '14', '13', '12'],
  ['02', '01', '00', '19', '18', '17', '16', '15', '14', '13'],
  ['03', '02', '01', '00', '19', '18', '17', '16', '15', '14'],
  ['04', '03', '02', '01', '00', '19', '18', '17', '16', '15'],
  ['05', '04', '03', '02', '01', '00', '19', '18', '17', '16'],
  ['06', '05', '04', '03', '02', '01', '00', '19', '18', '17'],
  ['07', '06', '05', '04', '03', '02', '01', '00', '19', '18'],
  ['08', '07', '06', '05', '04', '03', '02', '01', '00', '19'],
];

/** Two digits of a product. */
type ProductOf = [
  ['00', '00', '00', '00', '00', '00', '00', '00', '00', '00'],
  ['00', '01', '02', '03', '04', '05', '06', '07', '08', '09'],
  ['00', '02', '04', '06', '08', '10', '12', '14', '16', '18'],
  ['00', '03', '06', '09', '12', '15', '18', '21', '24', '27'],
  ['00', '04', '08', '12', '16', '20', '24', '28', '32', '36'],
  ['00', '05', '10', '15', '20', '25', '30', '35', '40', '45'],
  ['00', '06', '12', '18', '24', '30', '36', '42', '48', '54'],
  ['00', '07', '14', '21', '28', '35', '42', '49', '56', '63'],
  ['00', '08', '16', '24', '32', '40', '48', '56', '64', '72'],
  ['00', '09', '18', '27', '36', '45', '54', '63', '72', '81'],
];

type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9';

/** Strings of digits run from the lowest digit (`Low` in names below) or, as people write them, from the highest. */
type Reverse<S extends string, R extends string = ''> = S extends `${infer H}${infer T}` ? Reverse<T, `${H}${R}`> : R;
type TrimZeros<S extends string> = S extends `0${infer T}` ? (T extends '' ? '0' : TrimZeros<T>) : S;
/** Beyond 2^53 a literal does not come back as it was written: then the number is not known. */
type ToNumber<S extends string> = S extends `${infer N extends number}` ? N : number;

/** A + B; both from the lowest digit, the result from the highest. */
type AddLow<
  A extends string,
  B extends string,
  Carry extends '0' | '1' = '0',
  R extends string = '',
> = A extends `${infer X extends Digit}${infer AT}`
  ? B extends `${infer Y extends Digit}${infer BT}`
    ? (Carry extends '0' ? SumOf : SumWithCarry)[X][Y] extends `${infer C extends '0' | '1'}${infer Z}`
      ? AddLow<AT, BT, C, `${Z}${R}`>
      : never
    : Carry extends '0'
      ? `${Reverse<A>}${R}`
      : AddLow<A, '0', Carry, R>
  : B extends ''
    ? Carry extends '1'
      ? `1${R}`
      : R
    : Carry extends '0'
      ? `${Reverse<B>}${R}`
      : AddLow<'0', B, Carry, R>;

/** A - B; both from the lowest digit, the result from the highest with leading zeros; 'negative' if B is larger. */
type SubtractLow<
  A extends string,
  B extends string,
  Borrow extends '0' | '1' = '0',
  R extends string = '',
> = A extends `${infer X extends Digit}${infer AT}`
  ? B extends `${infer Y extends Digit}${infer BT}`
    ? (Borrow extends '0' ? DifferenceOf : DifferenceWithBorrow)[X][Y] extends `${infer C extends '0' | '1'}${infer Z}`
      ? SubtractLow<AT, BT, C, `${Z}${R}`>
      : never
    : Borrow extends '0'
      ? `${Reverse<A>}${R}`
      : SubtractLow<A, '0', Borrow, R>
  : B extends ''
    ? Borrow extends '1'
      ? 'negative'
      : R
    : 'negative';

/** A from the lowest digit times one digit; the result from the highest. */
type TimesDigit<
  A extends string,
  D extends Digit,
  Carry extends Digit = '0',
  R extends string = '',
> = A extends `${infer X extends Digit}${infer AT}`
  ? ProductOf[X][D] extends `${infer Tens extends Digit}${infer Units extends Digit}`
    ? SumOf[Units][Carry] extends `${infer C extends '0' | '1'}${infer Z}`
      ? C extends '0'
        ? TimesDigit<AT, D, Tens, `${Z}${R}`>
        : SumOf[Tens]['1'] extends `0${infer NextTens extends Digit}`
          ? TimesDigit<AT, D, NextTens, `${Z}${R}`>
          : never
      : never
    : never
  : Carry extends '0'
    ? R
    : `${Carry}${R}`;

/** A from the lowest digit times B from the highest, digit by digit of B. */
type MultiplyLow<A extends string, B extends string, R extends string = ''> = B extends `${infer Y extends Digit}${infer BT}`
  ? MultiplyLow<A, BT, R extends '' ? TimesDigit<A, Y> : Y extends '0' ? `${R}0` : AddLow<Reverse<`${R}0`>, Reverse<TimesDigit<A, Y>>>>
  : R;

/** How often B (from the lowest digit) goes into the remainder R (from the highest), less than ten times, and what is left. */
type DivideStep<R extends string, B extends string, Q extends unknown[] = []> =
  SubtractLow<Reverse<R>, B> extends infer X extends string
    ? X extends 'negative'
      ? [Q['length'] & number, R]
      : DivideStep<TrimZeros<X>, B, [...Q, 0]>
    : never;

/** Long division of A (from the highest digit) by B (from the lowest): quotient and remainder. */
type LongDivision<A extends string, B extends string, R extends string = '', Q extends string = ''> = A extends `${infer X}${infer AT}`
  ? DivideStep<TrimZeros<`${R}${X}`>, B> extends [infer Step extends number, infer Rest extends string]
    ? LongDivision<AT, B, Rest extends '0' ? '' : Rest, `${Q}${Step}`>
    : never
  : [TrimZeros<Q>, R extends '' ? '0' : R];

/** A + B. */
export type Add<A extends number, B extends number> = number extends A | B
  ? number
  : A extends 0
    ? B
    : B extends 0
      ? A
      : ToNumber<AddLow<Reverse<`${A}`>, Reverse<`${B}`>>>;

/** A - B, or 'negative'. */
export type Subtract<A extends number, B extends number> = number extends A | B
  ? number
  : B extends 0
    ? A
    : SubtractLow<Reverse<`${A}`>, Reverse<`${B}`>> extends infer R extends string
      ? R extends 'negative'
        ? 'negative'
        : ToNumber<TrimZeros<R>>
      : never;

/** A * B. */
export type Multiply<A extends number, B extends number> = number extends A | B
  ? number
  : A extends 0
    ? 0
    : B extends 0
      ? 0
      : A extends 1
        ? B
        : B extends 1
          ? A
          : ToNumber<MultiplyLow<Reverse<`${A}`>, `${B}`>>;

/** [floor(A / B), A mod B]; nothing is known of a division by 0. */
export type DivideWithRest<A extends number, B extends number> = number extends A | B
  ? [number, number]
  : B extends 0
    ? [number, number]
    : B extends 1
      ? [A, 0]
      : LongDivision<`${A}`, Reverse<`${B}`>> extends [infer Q extends string, infer R extends string]
        ? [ToNumber<Q>, ToNumber<R>]
        : [number, number];

/** floor(A / B). */
export type Divide<A extends number, B extends number> = DivideWithRest<A, B>[0];

/** The smaller of two literals. */
export type Minimum<A extends number, B extends number> = number extends A | B ? number : Subtract<A, B> extends 'negative' ? A : B;
