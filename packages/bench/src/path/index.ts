export { LocalService, untilServed } from './local-services.ts';
export type { ServiceOptions } from './local-services.ts';
export { comparePaths } from './path-comparison.ts';
export type { PathComparisonOptions, PathFigures } from './path-comparison.ts';
export { narrowestEf, type NarrowestEfOptions } from './narrowest-ef.ts';
export { PathCluster, type PathClusterOptions } from './path-cluster.ts';
