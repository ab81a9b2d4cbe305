/** Methods that reduce dimensions, or work along one. */
import type { FloatDType, RealDType } from '../../dtype/types.ts';
import type { CovarianceOptions } from '../../ops/covariance.ts';
import type { QuantileOptions } from '../../ops/order-statistics.ts';
import type { SortOptions, TopkOptions } from '../../ops/sort.ts';
import type { VarianceOptions } from '../../ops/statistics.ts';
import type {
  AlongDimMethod,
  AminmaxMethod,
  ArgReductionMethod,
  ArgsortMethod,
  BincountMethod,
  CountReductionMethod,
  CovarianceMethod,
  DiffMethod,
  DimArgument,
  DimsArgument,
  DistMethod,
  ExtremeScanMethod,
  ExtremumMethod,
  FloatReductionMethod,
  HistcMethod,
  IndexedReductionMethod,
  KthvalueMethod,
  MeanMethod,
  MedianMethod,
  NormMethod,
  QuantileMethod,
  ReductionMethod,
  ScanMethod,
  SoftmaxLikeMethod,
  SortMethod,
  SumMethod,
  TopkMethod,
  TraceMethod,
  TruthReductionMethod,
  UnarySameMethod,
  UniqueMethod,
} from '../../ops/types.ts';

/** To fewer elements. */
export interface ReductionMethods {
  all: TruthReductionMethod<'all'>;
  amax: ReductionMethod<'amax', RealDType>;
  amin: ReductionMethod<'amin', RealDType>;
  aminmax: AminmaxMethod<RealDType>;
  any: TruthReductionMethod<'any'>;
  argmax: ArgReductionMethod<'argmax'>;
  argmin: ArgReductionMethod<'argmin'>;
  corrcoef: CovarianceMethod<'corrcoef', []>;
  bincount: BincountMethod;
  countNonzero: CountReductionMethod<'countNonzero'>;
  cov: CovarianceMethod<'cov', [options?: CovarianceOptions]>;
  dist: DistMethod<'dist'>;
  histc: HistcMethod;
  kthvalue: KthvalueMethod<'kthvalue'>;
  logsumexp: FloatReductionMethod<'logsumexp', RealDType>;
  max: ExtremumMethod<'max'>;
  mean: MeanMethod<'mean'>;
  median: MedianMethod<'median'>;
  min: ExtremumMethod<'min'>;
  mode: IndexedReductionMethod<'mode'>;
  nanmean: MeanMethod<'nanmean', FloatDType>;
  nanmedian: MedianMethod<'nanmedian'>;
  nanquantile: QuantileMethod<'nanquantile', Omit<QuantileOptions, 'keepdim'>>;
  nansum: SumMethod<'nansum', DimsArgument, RealDType>;
  /** Without 'nuc': the nuclear norm takes a decomposition, which is for functions alone. */
  norm: NormMethod<'norm', number | 'fro' | null>;
  prod: SumMethod<'prod', DimArgument>;
  quantile: QuantileMethod<'quantile', Omit<QuantileOptions, 'keepdim'>>;
  std: ReductionMethod<'std', FloatDType, Omit<VarianceOptions, 'keepdim'>>;
  sum: SumMethod<'sum'>;
  trace: TraceMethod;
  var: ReductionMethod<'var', FloatDType, Omit<VarianceOptions, 'keepdim'>>;
}

/** Along a dimension. */
export interface AlongMethods {
  argsort: ArgsortMethod<'argsort', SortOptions>;
  cummax: ExtremeScanMethod<'cummax'>;
  cummin: ExtremeScanMethod<'cummin'>;
  cumprod: ScanMethod<'cumprod'>;
  cumsum: ScanMethod<'cumsum'>;
  diff: DiffMethod;
  logSoftmax: SoftmaxLikeMethod<'logSoftmax'>;
  logcumsumexp: AlongDimMethod<'logcumsumexp', FloatDType>;
  msort: UnarySameMethod<RealDType>;
  renorm: UnarySameMethod<FloatDType, [p: number, dim: number, maxnorm: number]>;
  softmax: SoftmaxLikeMethod<'softmax'>;
  sort: SortMethod<'sort', SortOptions>;
  unique: UniqueMethod<{ readonly sorted?: boolean }>;
  uniqueConsecutive: UniqueMethod<unknown>;
  topk: TopkMethod<'topk', TopkOptions>;
}
