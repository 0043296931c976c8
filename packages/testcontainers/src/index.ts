export { ShoalCluster, type ShoalClusterOptions } from './shoal-cluster.ts';
export { ShoalContainer } from './shoal-container.ts';
export { StartedShoalCluster } from './started-shoal-cluster.ts';
export { StartedShoalContainer } from './started-shoal-container.ts';
