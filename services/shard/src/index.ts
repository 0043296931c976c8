export { startShard, type Shard, type ShardDependencies } from './shard.ts';
export { ENGINE_MEMORY_CEILING_BYTES, defaultSearchThreadCount, parseShardEnvironment, parseSlotRanges, type ShardConfig, type ShardProcessConfig } from './config.ts';
export { systemTimers } from './system-timers.ts';
