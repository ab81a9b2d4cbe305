// Opcodes of WebAssembly 2.0 and of relaxed SIMD, by their names in the text format (https://webassembly.github.io/spec/core/,
// appendix "Index of Instructions"). A prefixed opcode is written as (prefix << 12) | code; one table for each kind of immediate.

/**
 * Instructions without immediates whose names have a type: the first opcode, the type, and the names in the order of their opcodes; '-' for none
 * and for those that nothing here uses.
 */
const RUNS = [
  [0x45, 'i32', 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'],
  [0x50, 'i64', 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'],
  [0x5b, 'f32', 'eq ne lt gt le ge'],
  [0x61, 'f64', 'eq ne lt gt le ge'],
  [0x67, 'i32', 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u'],
  [0x79, 'i64', 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u'],
  [0x8b, 'f32', 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign'],
  [0x99, 'f64', 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign'],
  [0xa7, 'i32', 'wrap_i64'],
  [0xac, 'i64', 'extend_i32_s extend_i32_u'],
  [0xb2, 'f32', 'convert_i32_s - convert_i64_s - demote_f64'],
  [0xb7, 'f64', 'convert_i32_s - convert_i64_s - promote_f32'],
  [0xbc, 'i32', 'reinterpret_f32'],
  [0xbe, 'f32', 'reinterpret_i32'],
  [0xfc000, 'i32', 'trunc_sat_f32_s - trunc_sat_f64_s'],
  [0xfc004, 'i64', 'trunc_sat_f32_s - trunc_sat_f64_s'],
  [0xfd00f, 'i8x16', 'splat'],
  [0xfd010, 'i16x8', 'splat'],
  [0xfd011, 'i32x4', 'splat'],
  [0xfd012, 'i64x2', 'splat'],
  [0xfd013, 'f32x4', 'splat'],
  [0xfd014, 'f64x2', 'splat'],
  [0xfd023, 'i8x16', 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'],
  [0xfd02d, 'i16x8', 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'],
  [0xfd037, 'i32x4', 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'],
  [0xfd041, 'f32x4', 'eq ne lt gt le ge'],
  [0xfd047, 'f64x2', 'eq ne lt gt le ge'],
  [0xfd04d, 'v128', 'not and andnot or xor bitselect any_true'],
  [0xfd05e, 'f32x4', 'demote_f64x2_zero'],
  [0xfd05f, 'f64x2', 'promote_low_f32x4'],
  [0xfd060, 'i8x16', 'abs neg popcnt all_true bitmask narrow_i16x8_s narrow_i16x8_u'],
  [0xfd067, 'f32x4', 'ceil floor trunc nearest'],
  [0xfd06b, 'i8x16', 'shl shr_s shr_u add - - sub'],
  [0xfd074, 'f64x2', 'ceil floor'],
  [0xfd076, 'i8x16', 'min_s min_u max_s max_u'],
  [0xfd07a, 'f64x2', 'trunc'],
  [0xfd080, 'i16x8', 'abs neg - all_true bitmask narrow_i32x4_s narrow_i32x4_u extend_low_i8x16_s - extend_low_i8x16_u'],
  [0xfd08b, 'i16x8', 'shl shr_s shr_u add - - sub'],
  [0xfd094, 'f64x2', 'nearest'],
  [0xfd095, 'i16x8', 'mul min_s min_u max_s max_u - - - - extmul_low_i8x16_u extmul_high_i8x16_u'],
  [0xfd0a0, 'i32x4', 'abs neg - all_true bitmask - - extend_low_i16x8_s - extend_low_i16x8_u'],
  [0xfd0ab, 'i32x4', 'shl shr_s shr_u add - - sub - - - mul min_s min_u max_s max_u'],
  [0xfd0c0, 'i64x2', 'abs neg - all_true bitmask - - extend_low_i32x4_s extend_high_i32x4_s extend_low_i32x4_u'],
  [0xfd0cb, 'i64x2', 'shl shr_s shr_u add - - sub - - - mul eq ne lt_s gt_s le_s ge_s'],
  [0xfd0e0, 'f32x4', 'abs neg - sqrt add sub mul div min max pmin pmax'],
  [0xfd0ec, 'f64x2', 'abs neg - sqrt add sub mul div min max pmin pmax'],
  [0xfd0f8, 'i32x4', 'trunc_sat_f32x4_s'],
  [0xfd0fa, 'f32x4', 'convert_i32x4_s'],
  [0xfd0fc, 'i32x4', 'trunc_sat_f64x2_s_zero'],
  [0xfd0fe, 'f64x2', 'convert_low_i32x4_s'],
  [0xfd105, 'f32x4', 'relaxed_madd'],
  [0xfd107, 'f64x2', 'relaxed_madd'],
] as const;

type Words<S, Found = never> = S extends `${infer First} ${infer Rest}` ? Words<Rest, Found | First> : Exclude<Found | S, '-'>;
type Named<Run> = Run extends readonly [number, infer Type extends string, infer Names] ? `${Type}.${Words<Names> & string}` : never;
type Run = readonly [first: number, type: string, names: string];
const PLAIN = { unreachable: 0x0, nop: 0x1, drop: 0x1a, select: 0x1b, return: 0xf } as const;

export type Instruction = keyof typeof PLAIN | Named<(typeof RUNS)[number]>;

function numbered<R extends Run>(runs: readonly R[], plain: object = {}): Readonly<Record<Named<R>, number>> {
  const opcodes: Record<string, number> = { ...plain };
  for (const [first, type, names] of runs) {
    names.split(' ').forEach((name, i) => {
      if (name !== '-') opcodes[`${type}.${name}`] = first + i;
    });
  }
  return opcodes as Record<Named<R>, number>;
}

/** The opcodes of instructions without immediates. */
export const INSTRUCTIONS = numbered(RUNS, PLAIN) as Readonly<Record<Instruction, number>>;

const MEMORY_RUNS = [
  [0x28, 'i32', 'load'],
  [0x29, 'i64', 'load'],
  [0x2a, 'f32', 'load'],
  [0x2b, 'f64', 'load'],
  [0x2c, 'i32', 'load8_s load8_u load16_s load16_u'],
  [0x36, 'i32', 'store'],
  [0x37, 'i64', 'store'],
  [0x38, 'f32', 'store'],
  [0x39, 'f64', 'store'],
  [0x3a, 'i32', 'store8 store16'],
  [0xfd000, 'v128', 'load - - load16x4_s load16x4_u load32x2_s - - load16_splat load32_splat load64_splat store'],
  [0xfd05c, 'v128', 'load32_zero load64_zero'],
] as const;

const MEMORY_LANE_RUNS = [
  [0xfd054, 'v128', 'load8_lane load16_lane load32_lane load64_lane store8_lane store16_lane store32_lane store64_lane'],
] as const;

const LANE_RUNS = [
  [0xfd015, 'i8x16', 'extract_lane_s extract_lane_u replace_lane'],
  [0xfd018, 'i16x8', 'extract_lane_s extract_lane_u replace_lane'],
  [0xfd01b, 'i32x4', 'extract_lane replace_lane'],
  [0xfd01d, 'i64x2', 'extract_lane replace_lane'],
  [0xfd01f, 'f32x4', 'extract_lane replace_lane'],
  [0xfd021, 'f64x2', 'extract_lane replace_lane'],
] as const;

/** Loads and stores, those that something here uses. */
export const MEMORY_INSTRUCTIONS = numbered(MEMORY_RUNS);

/** Loads and stores of one lane. */
export const MEMORY_LANE_INSTRUCTIONS = numbered(MEMORY_LANE_RUNS);

/** Instructions with a lane number. */
export const LANE_INSTRUCTIONS = numbered(LANE_RUNS);

export type MemoryInstruction = keyof typeof MEMORY_INSTRUCTIONS;
export type MemoryLaneInstruction = keyof typeof MEMORY_LANE_INSTRUCTIONS;
export type LaneInstruction = keyof typeof LANE_INSTRUCTIONS;

/** The log2 of the bytes that a load or store touches: its name has the bits, those of its type unless it says otherwise. */
export function naturalAlignment(name: MemoryInstruction | MemoryLaneInstruction): number {
  const [type, instruction] = name.split('.') as [string, string];
  // `load16x4_s`, `store8_lane`, `load`.
  const [bits = '', lanes = '1'] = instruction.replace('load', '').replace('store', '').split('x');
  const ofOne = Number.parseInt(bits, 10) || Number(type.slice(1));
  return Math.log2((ofOne * Number.parseInt(lanes, 10)) / 8);
}
