export { runShard, startShard, type Shard, type ShardDependencies, type ShardParts } from './shard.ts';
export { engineMemorySetting, searchThreadSetting, snapshotLogSetting, parseShardEnvironment, type ShardConfig, type ShardProcessConfig } from './config.ts';
