/**
 * The streams of the log. Stream i carries a contiguous range of slots (`streamOf`); whoever comes first creates it, and
 * everybody reads it back and holds it against what it expects.
 */
import {
  DiscardPolicy,
  type JetStreamManager,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { ShoalError, type Slot, streamOf, SUBJECTS } from '@shoal/protocol';
import { BUS_LIMITS } from '../limits.ts';
import type { Names } from './names.ts';

export interface LogShape {
  readonly slots: number;
  readonly streams: number;
  readonly replicas: number;
  /** Bytes that one stream may hold before it refuses more; -1 leaves it to the server's own limit. */
  readonly streamBytes: number;
}

const DUPLICATE_WINDOW_MS = 20_000;
/** Set apart from payload for subject and headers. */
const HEAD_BYTES = 1024;
/** Numbers of JetStream errors (server/errors.json of nats-server). */
const STREAM_NOT_FOUND = 10_059;
const SUBJECTS_OVERLAP = 10_065;
const REPLICAS_WITHOUT_CLUSTER = 10_074;
const NO_SUITABLE_PEERS = 10_005;

/** Returns the fewest copies that any stream has: never fewer than asked for. */
export async function ensureStreams(jsm: JetStreamManager, names: Names, shape: LogShape): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < shape.streams; index++) {
    const wanted = streamConfig(names, shape, index);
    const found = await ensureStream(jsm, wanted);
    verify(found, wanted);
    fewest = Math.min(fewest, (await withReplicas(jsm, found.config, shape.replicas)));
  }
  return fewest;
}

function streamConfig(names: Names, shape: LogShape, index: number): Partial<StreamConfig> & { name: string; subjects: string[] } {
  const slots = Array.from({ length: shape.slots }, (_, slot) => slot as Slot).filter((slot) => streamOf(slot, shape.slots, shape.streams) === index);
  return {
    name: names.stream(index),
    description: 'Mutations of Shoal',
    subjects: slots.map((slot) => names.subject(SUBJECTS.mutationsOfSlot(slot))),
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_age: 0,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    max_bytes: shape.streamBytes,
    max_msg_size: BUS_LIMITS.entryBytes + HEAD_BYTES,
    max_consumers: -1,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    num_replicas: shape.replicas,
    allow_atomic: true,
    allow_direct: true,
    metadata: { shoal_log: '1', shoal_slots: String(shape.slots), shoal_streams: String(shape.streams) },
  };
}

async function ensureStream(jsm: JetStreamManager, wanted: Partial<StreamConfig> & { name: string }): Promise<StreamInfo> {
  const found = await findStream(jsm, wanted.name);
  if (found !== undefined) return found;
  try {
    return await jsm.streams.add(wanted);
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
    // Another process may have created it in between, perhaps with other settings: then those are verified.
    const created = await findStream(jsm, wanted.name);
    if (created !== undefined) return created;
    throw creationError(wanted.name, error);
  }
}

async function findStream(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined;
    throw error;
  }
}

/** A stream that has fewer copies than wanted gets more, as when a single server has become three. */
export async function withReplicas(jsm: JetStreamManager, config: StreamConfig, replicas: number): Promise<number> {
  if (config.num_replicas >= replicas) return config.num_replicas;
  try {
    const { config: grown } = await jsm.streams.update(config.name, { num_replicas: replicas });
    return grown.num_replicas;
  } catch (error) {
    throw error instanceof JetStreamApiError ? creationError(config.name, error) : error;
  }
}

function creationError(name: string, cause: JetStreamApiError): ShoalError {
  switch (cause.code) {
    case SUBJECTS_OVERLAP:
      return new ShoalError('log_incompatible', `The stream ${name} cannot be created: another stream has its subjects, so the log exists with another number of streams.`, { cause });
    case NO_SUITABLE_PEERS:
      // Passes when a server is still starting, so this is asked again until the deadline.
      return new ShoalError('log_unavailable', `The stream ${name} cannot be created: fewer NATS servers are up than it shall have replicas. Start them, or set SHOAL_NATS_REPLICAS lower.`, { field: 'SHOAL_NATS_REPLICAS', cause });
    case REPLICAS_WITHOUT_CLUSTER:
      return new ShoalError('invalid_configuration', `The stream ${name} cannot be created: the NATS servers cannot hold so many replicas. Set SHOAL_NATS_REPLICAS to at most the number of servers.`, { field: 'SHOAL_NATS_REPLICAS', cause });
    default:
      return new ShoalError('log_unavailable', `The stream ${name} cannot be created: ${cause.message}.`, { cause });
  }
}

/** Throws `log_incompatible` when the stream would not keep the promises of the log, or places slots otherwise. */
function verify(info: StreamInfo, wanted: Partial<StreamConfig> & { subjects: string[] }): void {
  const { config } = info;
  for (const key of ['shoal_log', 'shoal_slots', 'shoal_streams']) {
    const [actual, expected] = [config.metadata?.[key], wanted.metadata?.[key]];
    if (actual !== expected) {
      throw new ShoalError('log_incompatible', `The stream ${config.name} exists with ${key} = ${actual ?? 'nothing'}; ${expected} is needed.`);
    }
  }
  const promises: readonly (keyof StreamConfig)[] = ['storage', 'retention', 'discard', 'allow_atomic', 'allow_direct', 'max_age', 'max_msgs', 'max_msgs_per_subject'];
  for (const key of promises) {
    if (config[key] !== wanted[key]) {
      throw new ShoalError('log_incompatible', `The stream ${config.name} exists with ${key} = ${String(config[key])}; ${String(wanted[key])} is needed.`);
    }
  }
  if ([...config.subjects].sort().join() !== [...wanted.subjects].sort().join()) {
    throw new ShoalError('log_incompatible', `The stream ${config.name} exists with other subjects.`);
  }
}
