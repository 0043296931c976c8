export { startShard, type Shard, type ShardDependencies } from './shard.ts';
export { engineMemorySetting, searchThreadSetting, parseShardEnvironment, type ShardConfig, type ShardProcessConfig } from './config.ts';
