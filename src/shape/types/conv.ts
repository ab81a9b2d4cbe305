/** Convolutions and pooling, in one, two or three spatial dimensions. */
import type { Add, Divide, Multiply, Subtract } from './arith.ts';
import type { AllLiteral, Differ, IsOpen, Ok } from './core.ts';
import type { Show, ShowDim } from './show.ts';

/** An option for each spatial dimension: one number for all of them, or a list. */
export type PerDim = number | readonly number[];
/** One number, or one for each of two dimensions. */
export type Two = number | readonly [number, number];
/** The option of the spatial dimension P. */
type OptionAt<T, P extends 0 | 1 | 2> = T extends readonly unknown[] ? (number extends T['length'] ? number : T[P]) : T;

type ConvSizeOf<N extends number, K extends number, Stride extends number, Padding extends number, Dilation extends number> =
  Subtract<Add<N, Multiply<Padding, 2>>, Dilation extends 1 ? K : Add<Multiply<Dilation, Subtract<K, 1> & number>, 1>> extends infer X
    ? X extends number
      ? Add<Divide<X, Stride>, 1>
      : 'negative'
    : never;
/** floor((N + 2 padding - dilation (K - 1) - 1) / stride) + 1, or 'negative'. */
export type ConvSize<N, K, Stride, Padding, Dilation = 1> = Padding extends 'same'
  ? N
  : Padding extends 'valid'
    ? ConvSize<N, K, Stride, 0, Dilation>
    : AllLiteral<[N, K, Stride, Padding, Dilation]> extends true
      ? ConvSizeOf<N & number, K & number, Stride & number, Padding & number, Dilation & number>
      : number;
/** (N - 1) stride - 2 padding + dilation (K - 1) + outputPadding + 1, or 'negative'. */
export type ConvTransposeSize<N, K, Stride, Padding, OutputPadding, Dilation = 1> =
  AllLiteral<[N, K, Stride, Padding, OutputPadding, Dilation]> extends true
    ? Subtract<
        Add<
          Add<Multiply<Subtract<N & number, 1> & number, Stride & number>, Multiply<Dilation & number, Subtract<K & number, 1> & number>>,
          Add<OutputPadding & number, 1>
        >,
        Multiply<Padding & number, 2>
      >
    : number;

/** `Spatial` put behind the dimensions B, or the message if one is negative. */
type WithSpatial<B extends unknown[], Spatial extends unknown[], Message extends string> = 'negative' extends Spatial[number]
  ? Message
  : Ok<[...B, ...Spatial]>;
type Channels<
  S,
  Given,
  Wanted,
  Op extends string,
> = `${Op}: expected ${ShowDim<Wanted>} input channels, got ${ShowDim<Given>} in ${Show<S>}`;
type KernelTooLarge<S, Op extends string> = `${Op}: kernel is larger than the padded input ${Show<S>}`;

type Size<N, P extends 0 | 1 | 2, K, Stride, Padding, Dilation> = ConvSize<
  N,
  OptionAt<K, P>,
  OptionAt<Stride, P>,
  OptionAt<Padding, P>,
  OptionAt<Dilation, P>
>;

/** `[..., Cin, L]` to `[..., Cout, L']`. */
export type Conv1dShape<S, Cin, Cout, K, Stride, Padding, Dilation = 1, Op extends string = 'conv1d'> = S extends readonly [
  ...infer B,
  infer C,
  infer L,
]
  ? Differ<C, Cin> extends true
    ? Channels<S, C, Cin, Op>
    : WithSpatial<[...B, Cout], [Size<L, 0, K, Stride, Padding, Dilation>], KernelTooLarge<S, Op>>
  : IsOpen<S> extends true
    ? Ok<[...number[], Cout, number]>
    : `${Op}: expected [N, C, L] or [C, L], got ${Show<S>}`;

/** `[..., Cin, H, W]` to `[..., Cout, H', W']`. */
export type Conv2dShape<S, Cin, Cout, K, Stride, Padding, Dilation = 1, Op extends string = 'conv2d'> = S extends readonly [
  ...infer B,
  infer C,
  infer H,
  infer W,
]
  ? Differ<C, Cin> extends true
    ? Channels<S, C, Cin, Op>
    : WithSpatial<[...B, Cout], [Size<H, 0, K, Stride, Padding, Dilation>, Size<W, 1, K, Stride, Padding, Dilation>], KernelTooLarge<S, Op>>
  : IsOpen<S> extends true
    ? Ok<[...number[], Cout, number, number]>
    : `${Op}: expected [N, C, H, W] or [C, H, W], got ${Show<S>}`;

/** `[..., Cin, D, H, W]` to `[..., Cout, D', H', W']`. */
export type Conv3dShape<S, Cin, Cout, K, Stride, Padding, Dilation = 1, Op extends string = 'conv3d'> = S extends readonly [
  ...infer B,
  infer C,
  infer D,
  infer H,
  infer W,
]
  ? Differ<C, Cin> extends true
    ? Channels<S, C, Cin, Op>
    : WithSpatial<
        [...B, Cout],
        [Size<D, 0, K, Stride, Padding, Dilation>, Size<H, 1, K, Stride, Padding, Dilation>, Size<W, 2, K, Stride, Padding, Dilation>],
        KernelTooLarge<S, Op>
      >
  : IsOpen<S> extends true
    ? Ok<[...number[], Cout, number, number, number]>
    : `${Op}: expected [N, C, D, H, W] or [C, D, H, W], got ${Show<S>}`;

/** How many input channels a weight of G groups takes, whose second dimension is C. */
type GroupedChannels<C, G> = AllLiteral<[C, G]> extends true ? Multiply<C & number, G & number> : number;
/** `conv1d` as a function: the weight is `[Cout, Cin / groups, K]`. */
export type Conv1dByWeight<S, W, Stride = 1, Padding = 0, Dilation = 1, G = 1> = W extends readonly [infer Cout, infer C, infer K]
  ? Conv1dShape<S, GroupedChannels<C, G>, Cout, K, Stride, Padding, Dilation>
  : IsOpen<W> extends true
    ? Conv1dShape<S, number, number, number, Stride, Padding, Dilation>
    : `conv1d: expected a weight [Cout, Cin, K], got ${Show<W>}`;
/** `conv2d` as a function: the weight is `[Cout, Cin / groups, KH, KW]`. */
export type Conv2dByWeight<S, W, Stride = 1, Padding = 0, Dilation = 1, G = 1> = W extends readonly [
  infer Cout,
  infer C,
  infer KH,
  infer KW,
]
  ? Conv2dShape<S, GroupedChannels<C, G>, Cout, [KH, KW], Stride, Padding, Dilation>
  : IsOpen<W> extends true
    ? Conv2dShape<S, number, number, number, Stride, Padding, Dilation>
    : `conv2d: expected a weight [Cout, Cin, KH, KW], got ${Show<W>}`;
/** `conv3d` as a function: the weight is `[Cout, Cin / groups, KD, KH, KW]`. */
export type Conv3dByWeight<S, W, Stride = 1, Padding = 0, Dilation = 1, G = 1> = W extends readonly [
  infer Cout,
  infer C,
  infer KD,
  infer KH,
  infer KW,
]
  ? Conv3dShape<S, GroupedChannels<C, G>, Cout, [KD, KH, KW], Stride, Padding, Dilation>
  : IsOpen<W> extends true
    ? Conv3dShape<S, number, number, number, Stride, Padding, Dilation>
    : `conv3d: expected a weight [Cout, Cin, KD, KH, KW], got ${Show<W>}`;

/** `[..., Cin, H, W]` to `[..., Cout, H', W']`, the sizes a convolution would have started from. */
export type ConvTranspose2dShape<
  S,
  Cin,
  Cout,
  K,
  Stride,
  Padding,
  OutputPadding = 0,
  Dilation = 1,
  Op extends string = 'convTranspose2d',
> = S extends readonly [...infer B, infer C, infer H, infer W]
  ? Differ<C, Cin> extends true
    ? Channels<S, C, Cin, Op>
    : WithSpatial<
        [...B, Cout],
        [
          ConvTransposeSize<
            H,
            OptionAt<K, 0>,
            OptionAt<Stride, 0>,
            OptionAt<Padding, 0>,
            OptionAt<OutputPadding, 0>,
            OptionAt<Dilation, 0>
          >,
          ConvTransposeSize<
            W,
            OptionAt<K, 1>,
            OptionAt<Stride, 1>,
            OptionAt<Padding, 1>,
            OptionAt<OutputPadding, 1>,
            OptionAt<Dilation, 1>
          >,
        ],
        `${Op}: the padding takes more than there is of ${Show<S>}`
      >
  : IsOpen<S> extends true
    ? Ok<[...number[], Cout, number, number]>
    : `${Op}: expected [N, C, H, W] or [C, H, W], got ${Show<S>}`;
/** `[..., Cin, L]` to `[..., Cout, L']`. */
export type ConvTranspose1dShape<
  S,
  Cin,
  Cout,
  K,
  Stride,
  Padding,
  OutputPadding = 0,
  Dilation = 1,
  Op extends string = 'convTranspose1d',
> = S extends readonly [...infer B, infer C, infer L]
  ? Differ<C, Cin> extends true
    ? Channels<S, C, Cin, Op>
    : WithSpatial<
        [...B, Cout],
        [
          ConvTransposeSize<
            L,
            OptionAt<K, 0>,
            OptionAt<Stride, 0>,
            OptionAt<Padding, 0>,
            OptionAt<OutputPadding, 0>,
            OptionAt<Dilation, 0>
          >,
        ],
        `${Op}: the padding takes more than there is of ${Show<S>}`
      >
  : IsOpen<S> extends true
    ? Ok<[...number[], Cout, number]>
    : `${Op}: expected [N, C, L] or [C, L], got ${Show<S>}`;
/** `[..., Cin, D, H, W]` to `[..., Cout, D', H', W']`. */
export type ConvTranspose3dShape<
  S,
  Cin,
  Cout,
  K,
  Stride,
  Padding,
  OutputPadding = 0,
  Dilation = 1,
  Op extends string = 'convTranspose3d',
> = S extends readonly [...infer B, infer C, infer D, infer H, infer W]
  ? Differ<C, Cin> extends true
    ? Channels<S, C, Cin, Op>
    : WithSpatial<
        [...B, Cout],
        [
          TransposedSize<D, 0, K, Stride, Padding, OutputPadding, Dilation>,
          TransposedSize<H, 1, K, Stride, Padding, OutputPadding, Dilation>,
          TransposedSize<W, 2, K, Stride, Padding, OutputPadding, Dilation>,
        ],
        `${Op}: the padding takes more than there is of ${Show<S>}`
      >
  : IsOpen<S> extends true
    ? Ok<[...number[], Cout, number, number, number]>
    : `${Op}: expected [N, C, D, H, W] or [C, D, H, W], got ${Show<S>}`;
type TransposedSize<N, P extends 0 | 1 | 2, K, Stride, Padding, OutputPadding, Dilation> = ConvTransposeSize<
  N,
  OptionAt<K, P>,
  OptionAt<Stride, P>,
  OptionAt<Padding, P>,
  OptionAt<OutputPadding, P>,
  OptionAt<Dilation, P>
>;
/** `convTranspose1d` as a function: the weight is `[Cin, Cout / groups, K]`. */
export type ConvTranspose1dByWeight<S, W, Stride = 1, Padding = 0, OutputPadding = 0, Dilation = 1, G = 1> = W extends readonly [
  infer Cin,
  infer C,
  infer K,
]
  ? ConvTranspose1dShape<S, Cin, GroupedChannels<C, G>, K, Stride, Padding, OutputPadding, Dilation>
  : IsOpen<W> extends true
    ? ConvTranspose1dShape<S, number, number, number, Stride, Padding, OutputPadding, Dilation>
    : `convTranspose1d: expected a weight [Cin, Cout, K], got ${Show<W>}`;
/** `convTranspose2d` as a function: the weight is `[Cin, Cout / groups, KH, KW]`. */
export type ConvTranspose2dByWeight<S, W, Stride = 1, Padding = 0, OutputPadding = 0, Dilation = 1, G = 1> = W extends readonly [
  infer Cin,
  infer C,
  infer KH,
  infer KW,
]
  ? ConvTranspose2dShape<S, Cin, GroupedChannels<C, G>, [KH, KW], Stride, Padding, OutputPadding, Dilation>
  : IsOpen<W> extends true
    ? ConvTranspose2dShape<S, number, number, number, Stride, Padding, OutputPadding, Dilation>
    : `convTranspose2d: expected a weight [Cin, Cout, KH, KW], got ${Show<W>}`;
/** `convTranspose3d` as a function: the weight is `[Cin, Cout / groups, KD, KH, KW]`. */
export type ConvTranspose3dByWeight<S, W, Stride = 1, Padding = 0, OutputPadding = 0, Dilation = 1, G = 1> = W extends readonly [
  infer Cin,
  infer C,
  infer KD,
  infer KH,
  infer KW,
]
  ? ConvTranspose3dShape<S, Cin, GroupedChannels<C, G>, [KD, KH, KW], Stride, Padding, OutputPadding, Dilation>
  : IsOpen<W> extends true
    ? ConvTranspose3dShape<S, number, number, number, Stride, Padding, OutputPadding, Dilation>
    : `convTranspose3d: expected a weight [Cin, Cout, KD, KH, KW], got ${Show<W>}`;

/** `[..., L]` pooled to `[..., L']`. */
export type Pool1dShape<S, K, Stride, Padding, Dilation = 1, Op extends string = 'pool1d'> = S extends readonly [...infer B, infer L]
  ? WithSpatial<B, [Size<L, 0, K, Stride, Padding, Dilation>], KernelTooLarge<S, Op>>
  : IsOpen<S> extends true
    ? Ok<[...number[], number]>
    : `${Op}: expected at least 1 dim, got ${Show<S>}`;
/** `[..., H, W]` pooled to `[..., H', W']`. */
export type Pool2dShape<S, K, Stride, Padding, Dilation = 1, Op extends string = 'pool2d'> = S extends readonly [
  ...infer B,
  infer H,
  infer W,
]
  ? WithSpatial<B, [Size<H, 0, K, Stride, Padding, Dilation>, Size<W, 1, K, Stride, Padding, Dilation>], KernelTooLarge<S, Op>>
  : IsOpen<S> extends true
    ? Ok<[...number[], number, number]>
    : `${Op}: expected at least 2 dims, got ${Show<S>}`;
/** `[..., D, H, W]` pooled to `[..., D', H', W']`. */
export type Pool3dShape<S, K, Stride, Padding, Dilation = 1, Op extends string = 'pool3d'> = S extends readonly [
  ...infer B,
  infer D,
  infer H,
  infer W,
]
  ? WithSpatial<
      B,
      [Size<D, 0, K, Stride, Padding, Dilation>, Size<H, 1, K, Stride, Padding, Dilation>, Size<W, 2, K, Stride, Padding, Dilation>],
      KernelTooLarge<S, Op>
    >
  : IsOpen<S> extends true
    ? Ok<[...number[], number, number, number]>
    : `${Op}: expected at least 3 dims, got ${Show<S>}`;

/** The last two dimensions become H and W: adaptive pooling, interpolation to a size. A single number stands for both. */
export type Resize2d<S, Target, Op extends string> = S extends readonly [...infer B, unknown, unknown]
  ? Ok<[...B, OptionAt<Target, 0>, OptionAt<Target, 1>]>
  : IsOpen<S> extends true
    ? Ok<[...number[], OptionAt<Target, 0>, OptionAt<Target, 1>]>
    : `${Op}: expected at least 2 dims, got ${Show<S>}`;
/** The last dimension becomes L. */
export type Resize1d<S, Target, Op extends string> = S extends readonly [...infer B, unknown]
  ? Ok<[...B, OptionAt<Target, 0>]>
  : IsOpen<S> extends true
    ? Ok<[...number[], OptionAt<Target, 0>]>
    : `${Op}: expected at least 1 dim, got ${Show<S>}`;
/** The last dimensions become D, H and W. */
type Resize3d<S, Target, Op extends string> = S extends readonly [...infer B, unknown, unknown, unknown]
  ? Ok<[...B, OptionAt<Target, 0>, OptionAt<Target, 1>, OptionAt<Target, 2>]>
  : IsOpen<S> extends true
    ? Ok<[...number[], OptionAt<Target, 0>, OptionAt<Target, 1>, OptionAt<Target, 2>]>
    : `${Op}: expected at least 3 dims, got ${Show<S>}`;

/** Pooling over the last N dimensions. */
export type PooledShape<S, N extends 1 | 2 | 3, K, Stride, Padding, Dilation, Op extends string> = {
  1: Pool1dShape<S, K, Stride, Padding, Dilation, Op>;
  2: Pool2dShape<S, K, Stride, Padding, Dilation, Op>;
  3: Pool3dShape<S, K, Stride, Padding, Dilation, Op>;
}[N];
/** The last N dimensions become others; null in a list keeps one, whose size is not followed then. */
export type ResizedShape<S, N extends 1 | 2 | 3, Target, Op extends string> = {
  1: Resize1d<S, Sizes<Target>, Op>;
  2: Resize2d<S, Sizes<Target>, Op>;
  3: Resize3d<S, Sizes<Target>, Op>;
}[N];
type Sizes<Target> = Target extends readonly unknown[] ? { [P in keyof Target]: Target[P] extends number ? Target[P] : number } : Target;
/** The last N dimensions, of sizes that are not followed. */
export type OpenSpatial<S, N extends 1 | 2 | 3> = ResizedShape<S, N, number, 'pooling'>;
