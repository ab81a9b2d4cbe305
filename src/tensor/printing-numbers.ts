/**
 * Decimal notation as C's printf and Python give it: the exact value rounded to the nearest decimal, ties to even. JavaScript's `toFixed`
 * rounds ties away from zero and gives up at 1e21.
 */

const BITS = new DataView(new ArrayBuffer(8));

/** A finite double as ±mantissa · 2^exponent. */
function decompose(value: number): { negative: boolean; mantissa: bigint; exponent: number } {
  BITS.setFloat64(0, value);
  const bits = BITS.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  return {
    negative: bits >> 63n === 1n,
    mantissa: biased === 0 ? fraction : fraction | (1n << 52n),
    exponent: Math.max(biased, 1) - 1075,
  };
}

/** mantissa · 2^exponent · 10^digits as a whole number, ties to even. */
function scale(mantissa: bigint, exponent: number, digits: number): bigint {
  let numerator = mantissa;
  let denominator = 1n;
  if (digits >= 0) numerator *= 10n ** BigInt(digits);
  else denominator *= 10n ** BigInt(-digits);
  if (exponent >= 0) numerator <<= BigInt(exponent);
  else denominator <<= BigInt(-exponent);
  const quotient = numerator / denominator;
  const twice = (numerator - quotient * denominator) * 2n;
  const up = twice > denominator || (twice === denominator && (quotient & 1n) === 1n);
  return up ? quotient + 1n : quotient;
}

/** A finite number with `precision` digits after the point; none for 0. */
export function formatFixed(value: number, precision: number): string {
  const { negative, mantissa, exponent } = decompose(value);
  const digits = scale(mantissa, exponent, precision)
    .toString()
    .padStart(precision + 1, '0');
  const whole = digits.slice(0, digits.length - precision);
  const fraction = precision === 0 ? '' : `.${digits.slice(digits.length - precision)}`;
  return `${negative ? '-' : ''}${whole}${fraction}`;
}

/** A finite number as d.ddde±dd, with `precision` digits after the point and at least two in the exponent. */
export function formatExponential(value: number, precision: number): string {
  const { negative, mantissa, exponent } = decompose(value);
  let power = value === 0 ? 0 : Number(Math.abs(value).toExponential().split('e')[1]);
  let digits = scale(mantissa, exponent, precision - power).toString();
  if (digits.length > precision + 1) {
    // Rounded up to the next power of ten.
    power += 1;
    digits = scale(mantissa, exponent, precision - power).toString();
  }
  digits = digits.padEnd(precision + 1, '0');
  const fraction = precision === 0 ? '' : `.${digits.slice(1)}`;
  const sign = power < 0 ? '-' : '+';
  return `${negative ? '-' : ''}${digits[0]}${fraction}e${sign}${String(Math.abs(power)).padStart(2, '0')}`;
}
