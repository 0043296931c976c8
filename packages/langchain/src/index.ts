export { ShoalVectorStore, type AddOptions, type DeleteParameters, type ShoalFilter, type ShoalVectorStoreOptions } from './shoal-vector-store.ts';
