import assert from 'node:assert/strict';
import { type ApiError, jetstream, JetStreamApiError, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { LIMITS, ShoalError } from '@shoal/protocol';
import type { Bus } from '../bus.ts';
import { BUS_LIMITS } from '../limits.ts';
import type { NatsAccess } from './access.ts';
import { Connection } from './connection.ts';
import { Names } from './names.ts';
import { NatsLog } from './nats-log.ts';
import { NatsRegistry } from './nats-registry.ts';
import { NatsRequests } from './nats-requests.ts';
import { NatsSnapshots } from './nats-snapshots.ts';
import { pause } from '../pause.ts';
import { backoffMs, unlessAborted } from './retry.ts';
import { jetStreamMissing } from './server-check.ts';
import { parseServers } from './server-url.ts';
import { ensureStreams, type LogShape } from './streams.ts';

export interface NatsBusOptions extends NatsAccess {
  /** `nats://host:port`, or several, separated by commas or as a list. Credentials may stand inside. */
  readonly servers: string | readonly string[];
  readonly slots: number;
  /** Streams over which the slots are dealt; fixed when the log is created. */
  readonly streams: number;
  /** Copies of log and registry; those that have fewer get more. Default 3 where three servers or more are named, else 1. */
  readonly replicas?: number;
  /** Bytes that one stream may hold before writes are refused, when it is created. Default: what the server allows. */
  readonly streamBytes?: number;
  /** For connecting and preparing log and registry, which is tried again until then. */
  readonly timeoutMs: number;
  /** Ends the attempts: the call rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Hears why an attempt failed that is followed by another one. */
  readonly onRetry?: (error: ShoalError) => void;
  /** Name of the client in the server's monitoring. */
  readonly name: string;
  /** Sets several Shoal clusters apart on one server: 1 to 64 letters, digits or `-`. */
  readonly namespace?: string;
}

type ReplicatedOptions = NatsBusOptions & { readonly replicas: number };

/** As many servers as can lose one of them, and the copies that they keep. */
const CLUSTER_SERVERS = 3;
const CLUSTER_REPLICAS = 3;

/**
 * The bus over a NATS server with JetStream, 2.12 or newer.
 * Rejects with `bus_unreachable`, `bus_incompatible`, `log_incompatible` or `invalid_configuration`.
 */
export async function connectNatsBus(options: NatsBusOptions): Promise<Bus> {
  const { slots, streams } = options;
  assert(Number.isInteger(slots) && slots >= 1 && slots <= LIMITS.slots, `slots must be 1 to ${LIMITS.slots}`);
  assert(Number.isInteger(streams) && streams >= 1 && streams <= slots, 'streams must be 1 to the number of slots');
  const addresses = parseServers(options.servers);
  const replicas = options.replicas ?? (addresses.hosts.length >= CLUSTER_SERVERS ? CLUSTER_REPLICAS : 1);
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const attempts: Attempts = {
    signal: options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]),
    onRetry: options.onRetry ?? (() => undefined),
  };
  try {
    const connection = await Connection.open({ addresses, access: { ...addresses.credentials, ...options }, name: options.name, ...attempts });
    return await prepare(connection, { ...options, replicas }, attempts);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  }
}

interface Attempts {
  /** Aborts at the deadline, or when the caller says so. */
  readonly signal: AbortSignal;
  readonly onRetry: (error: ShoalError) => void;
}

/** A server that has just started may not answer yet, and one that answers may be lost; what is its settled opinion is not asked again. Closes the connection when it fails. */
async function prepare(connection: Connection, options: ReplicatedOptions, { signal, onRetry }: Attempts): Promise<Bus> {
  for (let attempt = 0, failure: ShoalError | undefined; ; attempt++) {
    try {
      await connection.untilConnected(BUS_LIMITS.attemptMs, signal);
      return assemble(connection, await whileAsked(connection, signal, () => openPorts(connection, options)));
    } catch (cause) {
      // That time is up says less than what failed before.
      if (failure === undefined || cause !== signal.reason) failure = cause instanceof ShoalError ? cause : connection.unanswered(cause);
      if (failure.retryable && !signal.aborted) {
        onRetry(failure);
        await pause(backoffMs(attempt), signal);
      }
      if (!failure.retryable || signal.aborted) {
        await connection.close();
        throw failure;
      }
    }
  }
}

/** What `open` opens; rejects as soon as the connection is lost or the signal aborts, and closes what comes later. */
async function whileAsked(connection: Connection, signal: AbortSignal, open: () => Promise<Ports>): Promise<Ports> {
  let opening: Promise<Ports> | undefined;
  try {
    return await connection.whileConnected(() => unlessAborted((opening = open()), signal));
  } catch (error) {
    opening?.then(closePorts).catch(() => undefined);
    throw error;
  }
}

async function openPorts(connection: Connection, options: ReplicatedOptions): Promise<Ports> {
  const shape: LogShape = { slots: options.slots, streams: options.streams, replicas: options.replicas, streamBytes: options.streamBytes ?? -1 };
  const names = new Names(options.namespace);
  const jsm = await managerOf(connection);
  const replicas = await ensureStreams(jsm, names, shape);
  const registry = await NatsRegistry.open({ connection, jsm, bucket: names.bucket, replicas: shape.replicas });
  const js = jetstream(connection.nats, { timeout: BUS_LIMITS.attemptMs });
  const snapshots = await NatsSnapshots.open({ connection, js, jsm, bucket: names.snapshotBucket, replicas: shape.replicas });
  const log = await NatsLog.open({ connection, js, jsm, names, shape: { ...shape, replicas }, registry });
  return { log, requests: new NatsRequests(connection, names), registry, snapshots };
}

/** Numbers of JetStream errors (server/errors.json of nats-server). */
const NOT_ENABLED = [10_039, 10_076];

async function managerOf(connection: Connection): Promise<JetStreamManager> {
  const { nats } = connection;
  const missing = (cause: unknown): ShoalError => jetStreamMissing(nats.info?.version ?? 'of unknown version', cause);
  let answer: { readonly error?: ApiError };
  try {
    answer = (await nats.request('$JS.API.INFO', undefined, { timeout: BUS_LIMITS.attemptMs })).json();
  } catch (error) {
    throw error instanceof errors.RequestError && error.isNoResponders() ? missing(error) : error;
  }
  if (answer.error !== undefined) {
    const error = new JetStreamApiError(answer.error);
    throw NOT_ENABLED.includes(error.code) ? missing(error) : error;
  }
  return jetstreamManager(nats, { timeout: BUS_LIMITS.attemptMs, checkAPI: false });
}

interface Ports {
  readonly log: NatsLog;
  readonly requests: NatsRequests;
  readonly registry: NatsRegistry;
  readonly snapshots: NatsSnapshots;
}

async function closePorts({ log, requests, registry, snapshots }: Ports): Promise<void> {
  await snapshots.close();
  await registry.close();
  await requests.close();
  await log.close();
}

function assemble(connection: Connection, ports: Ports): Bus {
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await closePorts(ports);
    await connection.close();
  };
  return {
    kind: 'nats',
    description: `nats-server ${connection.nats.info?.version ?? 'of unknown version'} at ${connection.printable}`,
    ...ports,
    connected: () => closing === undefined && connection.connected,
    close: () => (closing ??= close()),
  };
}
