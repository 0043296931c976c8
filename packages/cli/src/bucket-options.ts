/** The options that say which object store is behind `s3://` addresses. */
import { ShoalError } from '@shoal/protocol';
import type { Command } from 'commander';
import type { CliSystem } from './cli-system.ts';

export interface BucketOptions {
  readonly s3Endpoint?: string;
  readonly s3Region: string;
}

export interface BucketAccess {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export function addBucketOptions(command: Command): Command {
  return command
    .option('--s3-endpoint <url>', 'object store for s3:// addresses; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
    .option('--s3-region <region>', 'region of the object store', 'us-east-1');
}

/** Undefined without an endpoint. Throws `invalid_configuration` when the keys are missing. */
export function bucketAccess({ s3Endpoint, s3Region }: BucketOptions, { childEnvironment }: CliSystem): BucketAccess | undefined {
  if (s3Endpoint === undefined) return undefined;
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = childEnvironment;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new ShoalError('invalid_configuration', 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for --s3-endpoint.', { field: 'AWS_ACCESS_KEY_ID' });
  }
  return { endpoint: s3Endpoint, region: s3Region, accessKeyId, secretAccessKey };
}
