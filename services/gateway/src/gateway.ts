import assert from 'node:assert';
import type { AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { Bus } from '@shoal/bus';
import { ROUTES, ShoalError, type OperationId } from '@shoal/protocol';
import type { FastifyInstance } from 'fastify';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { Catalogue } from './catalogue/catalogue.ts';
import { systemTimers, type Clock, type Timers } from '@shoal/pacing';
import { ClusterView } from './cluster/cluster-view.ts';
import { PlacementOperations } from './cluster/placement-operations.ts';
import { reasonNotReady } from './cluster/readiness.ts';
import { ClusterReports, ProcessTelemetry, type Tracing } from '@shoal/telemetry';
import type { GatewayConfig } from './config.ts';
import { createHttpServer } from './http/http-server.ts';
import { measureOperations } from './http/measured-operations.ts';
import { withComponents } from './http/openapi-document.ts';
import { answerOtherMethods } from './http/other-methods.ts';
import { isLoopback } from './http/security-headers.ts';
import { readTlsMaterial } from './http/tls-files.ts';
import { GATEWAY_LIMITS } from './limits.ts';
import { LogSizes } from './log-sizes.ts';
import { FetchPath } from './reading/fetch-path.ts';
import { PartitionReads } from './reading/partition-reads.ts';
import { ScrollPath } from './reading/scroll-path.ts';
import { SearchPath } from './reading/search-path.ts';
import { SlotDispatcher } from './reading/slot-dispatcher.ts';
import { SlotQueries } from './reading/slot-queries.ts';
import { storedBy } from './reading/tenant-statistics.ts';
import { addAliasRoutes } from './routes/alias-routes.ts';
import { addBackupRoutes } from './routes/backup-routes.ts';
import { addClusterRoutes } from './routes/cluster-routes.ts';
import { addMetricsRoutes } from './routes/metrics-routes.ts';
import { gatewayFamilies } from './gateway-families.ts';
import { ImportService, type ImportBackend } from './imports/import-service.ts';
import { addJobPage } from './imports/job-page.ts';
import { ImportTokens } from './imports/import-token.ts';
import { addEmbeddingRoutes } from './routes/embedding-routes.ts';
import { addImportRoutes } from './routes/import-routes.ts';
import { addPayloadRoutes } from './routes/payload-routes.ts';
import { addPlacementRoutes } from './routes/placement-routes.ts';
import type { RouteContext } from './routes/route-context.ts';
import { addSearchRoutes } from './routes/search-routes.ts';
import { addVectorRoutes } from './routes/vector-routes.ts';
import { addAccountRoutes, addKeyRoutes, addTenantRoutes } from './routes/tenant-routes.ts';
import { Tenancy } from './tenancy/tenancy.ts';
import { AppliedWait } from './writing/applied-wait.ts';
import { ApplyBacklog } from './writing/apply-backlog.ts';
import { WritePath } from './writing/write-path.ts';

export interface GatewayDependencies {
  /** Stays open when the gateway closes: it belongs to whoever opened it. */
  readonly bus: Bus;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The system's when absent. */
  readonly timers?: Timers;
  /** Where the gateways of a cluster count rates together; each counts for itself when absent. Belongs to whoever opened it. */
  readonly redis?: Redis;
  /** Who keeps and runs imports; without it imports are refused. Belongs to whoever opened it. */
  readonly imports?: ImportBackend;
  newOperationId(): OperationId;
  /** What this process measures; one of the gateway's own when absent. Belongs to whoever made it. */
  readonly telemetry?: ProcessTelemetry;
  /** Traces requests; nothing is traced without it. Belongs to whoever made it. */
  readonly tracing?: Tracing;
}

export interface Gateway {
  /** Where it listens, as in `http://127.0.0.1:7700`. */
  readonly url: string;
  /** Why it cannot serve requests; undefined when it can. */
  notReady(): string | undefined;
  /** Takes no more requests, finishes those under way within a deadline, and stops. */
  close(): Promise<void>;
  /** Reads certificate and key anew; new connections get them. Throws `invalid_configuration` and keeps the old ones. */
  reloadTls(): Promise<void>;
}

const OPENAPI_URL = '/openapi.json';

/** Starts the HTTP gateway over a bus. Throws `port_in_use` when the port is taken. */
export async function startGateway(config: GatewayConfig, dependencies: GatewayDependencies): Promise<Gateway> {
  const { logger } = dependencies;
  const { app, close, notReady } = await assembleGateway(config, dependencies);
  try {
    const url = await listen(app, config);
    logger.info({ url }, 'the gateway listens');
    if (config.tls === undefined && !isLoopback(config.host)) logger.warn({ url }, 'keys and vectors travel unencrypted beyond this machine; set SHOAL_TLS_CERT_FILE and SHOAL_TLS_KEY_FILE, or put a TLS proxy in front');
    const reloadTls = async (): Promise<void> => {
      if (config.tls === undefined || !(app.server instanceof TlsServer)) return;
      app.server.setSecureContext(await readTlsMaterial(config.tls));
      logger.info('certificate and key were read anew');
    };
    return { url, close, reloadTls, notReady };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The gateway at work on its bus, with its routes but without a port: requests come by `app.inject`. */
export async function assembleGateway(config: GatewayConfig, dependencies: GatewayDependencies): Promise<{ readonly app: FastifyInstance } & Pick<Gateway, 'close' | 'notReady'>> {
  const { bus, logger, clock, timers = systemTimers } = dependencies;
  const traced = dependencies.tracing === undefined ? {} : { tracing: dependencies.tracing };
  assert.equal(config.slots, bus.log.slots, 'the log is opened with the slots of the cluster');
  const newOperationId = (): OperationId => dependencies.newOperationId();
  const clusterView = new ClusterView({ requests: bus.requests, slots: bus.log.slots, clock, logger });
  const placement = new PlacementOperations({ registry: bus.registry, timers, logger });
  const catalogue = new Catalogue({ bus, clock, timers, logger, newOperationId });
  const queries = new SlotQueries({ requests: bus.requests, replicas: clusterView, clock, timers, ...traced });
  const tenancy = new Tenancy({
    bus, catalogue, clock, timers, logger, newOperationId,
    measure: (tenant) => storedBy(catalogue.list(tenant), bus.log.slots, queries),
    ...(dependencies.redis === undefined ? {} : { redis: dependencies.redis }),
  });
  const backlog = new ApplyBacklog({ replicas: clusterView, clock, timers });
  const dispatcher = new SlotDispatcher({
    slots: bus.log.slots, queries, clock, timers, replicas: clusterView,
  });
  const fetchPath = new FetchPath({ log: bus.log, queries, timers });
  const importTokens = new ImportTokens(config.rootKey);
  const tls = config.tls === undefined ? undefined : await readTlsMaterial(config.tls);
  const telemetry = dependencies.telemetry ?? new ProcessTelemetry({ instance: 'unnamed', startedAtMs: clock.nowMs(), version: config.version });
  const clusterReports = new ClusterReports({
    channel: bus.requests, nowMs: () => clock.nowMs(), onUnreadable: (error) => logger.warn({ err: error }, 'a report of metrics cannot be read; it is left out'),
  });
  const meter = telemetry.meter('gateway');
  const logSizes = new LogSizes({ log: bus.log, timers, logger });
  meter.addSource(() => gatewayFamilies({ dispatcher, queries, backlog, clusterView, bus, logSizes, writePath: context.writePath }));
  let closing = false;
  const context: RouteContext = {
    bus, clock, catalogue, tenancy, clusterView, placement, queries, fetchPath, telemetry, clusterReports,
    version: config.version,
    mode: config.mode,
    scrollPath: new ScrollPath({ log: bus.log, clock, reads: new PartitionReads({ log: bus.log, queries, timers }) }),
    searchPath: new SearchPath({ log: bus.log, dispatcher, fetchPath, clock, timers }),
    writePath: new WritePath({ log: bus.log, replicas: clusterView, clock, timers, newOperationId, appliedWait: new AppliedWait({ queries, clock, timers }), backlog }),
    imports: new ImportService({ tokens: importTokens, clock, newOperationId, ...(dependencies.imports === undefined ? {} : { backend: dependencies.imports }) }),
    isClosing: () => closing,
  };
  const app = await createHttpServer({
    rootKey: config.rootKey, version: config.version, logger, clock, timers, tenancy, importTokens,
    requestIdPrefix: newOperationId().slice(0, 8),
    isClosing: context.isClosing,
    ...(tls === undefined ? {} : { tls }),
    ...traced,
  });
  if (meter.on) measureOperations(app, meter);
  addRoutes(app, context);
  if (dependencies.imports?.jobQueues !== undefined) await addJobPage(app, dependencies.imports.jobQueues);
  const closeParts = async (): Promise<void> => {
    closing = true;
    const cancel = timers.after(GATEWAY_LIMITS.closeTimeoutMs, () => app.server.closeAllConnections());
    await app.close();
    cancel();
    await tenancy.close();
    await catalogue.close();
    await placement.close();
    await logSizes.close();
    await Promise.all([clusterView.close(), clusterReports.close()]);
    if (dependencies.telemetry === undefined) telemetry.close();
  };
  try {
    await Promise.all([clusterView.start(), clusterReports.start()]);
    await Promise.all([catalogue.start(), tenancy.start()]);
    if (meter.on) logSizes.start();
    return { app, close: closeParts, notReady: () => reasonNotReady(context) };
  } catch (error) {
    await closeParts();
    throw error;
  }
}

function addRoutes(app: FastifyInstance, context: RouteContext): void {
  addEmbeddingRoutes(app, context);
  addVectorRoutes(app, context);
  addPayloadRoutes(app, context);
  addAliasRoutes(app, context);
  addImportRoutes(app, context);
  addSearchRoutes(app, context);
  addClusterRoutes(app, context);
  addMetricsRoutes(app, context);
  addBackupRoutes(app, context);
  addPlacementRoutes(app, context);
  addTenantRoutes(app, context);
  addKeyRoutes(app, context);
  addAccountRoutes(app, context);
  let openapi: object | undefined;
  app.get(OPENAPI_URL, { config: { access: 'open' }, schema: { hide: true } }, async () => (openapi ??= withComponents(app.swagger() as unknown as { readonly [member: string]: unknown })));
  answerOtherMethods(app, [...Object.values(ROUTES), { method: 'GET', url: OPENAPI_URL, config: { access: 'open' } }]);
}

async function listen(app: FastifyInstance, { host, port, tls }: GatewayConfig): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') {
      throw new ShoalError('port_in_use', `Port ${port} on ${host} is taken by another program; stop it, or set SHOAL_HTTP_PORT to a free port.`, { cause });
    }
    if (cause instanceof Error && 'syscall' in cause) {
      throw new ShoalError('invalid_configuration', `The gateway cannot listen on ${host}, port ${port}: ${cause.message}. Set SHOAL_HTTP_HOST and SHOAL_HTTP_PORT to an address of this machine.`, { field: 'SHOAL_HTTP_HOST', cause });
    }
    throw cause;
  }
  const address = app.server.address() as AddressInfo;
  return `${tls === undefined ? 'http' : 'https'}://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}
