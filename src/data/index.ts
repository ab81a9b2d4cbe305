/** Datasets and loaders. */
export { type Dataset, randomSplit, Subset, TensorDataset } from './dataset.ts';
export { collate, DataLoader, type DataLoaderOptions } from './loader.ts';
