export { systemThreadTime } from '@shoal/index';
export { runShard, startShard, type Shard, type ShardDependencies, type ShardParts } from './shard.ts';
export { engineMemorySetting, searchThreadSetting, recallShareSetting, snapshotLogSetting, parseShardEnvironment, type ShardConfig, type ShardProcessConfig } from './config.ts';
