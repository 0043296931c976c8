export * from './datasets/index.ts';
export * from './engine/index.ts';
