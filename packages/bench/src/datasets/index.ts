export * from './dataset.ts';
export * from './dataset-error.ts';
export { DATASET_LIMITS } from './limits.ts';
export { formatOf, openDataset, readRow } from './open-dataset.ts';
export { percentile } from './percentile.ts';
export { queryRecallAtK, recallAtK, type RecallOptions } from './recall.ts';
export { ivecsRows, readIvecs } from './vecs-reader.ts';
export { NPY_TYPES, componentType, type ComponentType } from './npy-components.ts';
export { NPY_PREFIX_BYTES, parseNpyHeader, readNpyPrefix, type NpyHeader } from './npy-header.ts';
