import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openEmbeddedBus } from '@shoal/bus';
import { startGateway } from '@shoal/gateway';
import { systemTimers } from '@shoal/pacing';
import { parseOperationId, parseShardId, parseSlot } from '@shoal/protocol';
import { startShard, systemThreadTime } from '@shoal/shard';
import { ProcessTelemetry, ReportPublisher, listenForScrapes, openOtlpExport, type ServiceLog } from '@shoal/telemetry';
import type { NodeConfig } from './config.ts';
import { openNodeImports } from './node-imports.ts';
import { resolveRootKey, type RootKey } from './root-key.ts';
import { VERSION } from '@shoal/process';

export interface EmbeddedNode {
  readonly url: string;
  readonly rootKey: RootKey;
  /** Where metrics are served without a key; undefined unless set. */
  readonly metricsUrl: string | undefined;
  /** Resolves, with the reason, when the node can no longer search or apply writes. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
  /** Reads certificate and key anew. */
  reload(): Promise<void>;
}

/** Runs a gateway and a shard in this process over the embedded bus. Closes what it had opened when a later step fails. */
export async function startNode(config: NodeConfig, { logger, sendTo }: ServiceLog): Promise<EmbeddedNode> {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const telemetry = new ProcessTelemetry({ instance: randomBytes(8).toString('hex'), startedAtMs: Date.now(), version: VERSION }, config.metrics);
    closers.push(async () => telemetry.close());
    const otlp = await openOtlpExport(config.metrics.otlp, { service: 'node', telemetry, nowMs: Date.now, onFailure: (message) => logger.warn({ otlp: message }, 'telemetry could not be sent') });
    sendTo(otlp);
    const traced = otlp === undefined ? {} : { tracing: otlp.tracing };
    closers.push(async () => otlp?.close());
    const rootKey = await resolveRootKey(config.directory, config.rootKey);
    const bus = await openEmbeddedBus({ directory: join(config.directory, 'log'), snapshotDirectory: join(config.directory, 'snapshots'), slots: config.slots, durability: config.durability });
    closers.push(() => bus.close());
    const publisher = ReportPublisher.start({ telemetry, channel: bus.requests, timers: systemTimers, onFailure: (error) => logger.warn({ err: error }, 'metrics could not be announced') });
    closers.push(() => publisher.close());
    const shard = await startShard(
      {
        shard: parseShardId('embedded'),
        ownedSlots: Array.from({ length: config.slots }, (_, slot) => parseSlot(slot)),
        slots: config.slots,
        directory: join(config.directory, 'shard'),
        engineMemoryMaxBytes: config.engineMemoryMaxBytes,
        searchThreadCount: config.searchThreadCount,
        snapshotLogBytes: config.snapshotLogBytes,
        recallShare: config.recallShare,
      },
      { bus, logger, timers: systemTimers, nowMs: Date.now, version: VERSION, telemetry, elapsedMs: () => performance.now(), threadTime: systemThreadTime(), ...traced },
    );
    closers.push(() => shard.close());
    const imports = await openNodeImports(join(config.directory, 'imports'), config.sources, logger);
    closers.push(() => imports.close());
    const gateway = await startGateway(
      { host: config.host, port: config.port, rootKey: rootKey.key, slots: config.slots, mode: 'embedded', version: VERSION, ...(config.tls === undefined ? {} : { tls: config.tls }) },
      { bus, logger, imports, telemetry, ...traced, clock: { nowMs: Date.now }, newOperationId: () => parseOperationId(randomBytes(16).toString('hex')) },
    );
    closers.push(() => gateway.close());
    await imports.start(config.gatewayUrl ?? gateway.url);
    closers.push(() => imports.stop());
    let metricsUrl: string | undefined;
    if (config.metrics.listen !== undefined) {
      const listener = await listenForScrapes({ ...config.metrics.listen, telemetry, nowMs: Date.now, notReady: () => gateway.notReady() });
      closers.push(() => listener.close());
      metricsUrl = listener.url;
    }
    return { url: gateway.url, rootKey, metricsUrl, failed: shard.failed, close, reload: () => gateway.reloadTls() };
  } catch (error) {
    await close();
    throw error;
  }
}
