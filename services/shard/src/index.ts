export { startShard, type Shard, type ShardDependencies } from './shard.ts';
export { engineMemorySetting, searchThreadSetting, snapshotLogSetting, parseShardEnvironment, type ShardConfig, type ShardProcessConfig } from './config.ts';
export { forgetReplica } from './replica-progress.ts';
