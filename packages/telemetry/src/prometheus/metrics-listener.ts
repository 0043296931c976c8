import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ShoalError } from '@shoal/protocol';
import type { ProcessTelemetry } from '../meter/process-telemetry.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes a free port; `MetricsListener.url` tells which. */
  readonly port: number;
  readonly telemetry: ProcessTelemetry;
  readonly nowMs: () => number;
  /** Why the service cannot do its work; undefined when it can. */
  readonly notReady: () => string | undefined;
}

export interface MetricsListener {
  readonly url: string;
  close(): Promise<void>;
}

const CONNECTIONS_MAXIMUM = 64;
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * The port for those who watch a service: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever starts and stops it. It asks
 * for no key and gives no data of tenants; it belongs on an address that only they can reach. Throws `port_in_use`.
 */
export async function listenForScrapes({ host, port, telemetry, nowMs, notReady }: ListenerOptions): Promise<MetricsListener> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    answer(request, response, telemetry, nowMs, notReady).catch(() => response.destroy());
  });
  server.maxConnections = CONNECTIONS_MAXIMUM;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(refusal(host, port, cause)));
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

function refusal(host: string, port: number, cause: Error): ShoalError {
  if ('code' in cause && cause.code === 'EADDRINUSE') {
    return new ShoalError('port_in_use', `Port ${port} on ${host} is taken by another program; stop it, or set SHOAL_METRICS_PORT to a free port.`, { cause });
  }
  return new ShoalError('invalid_configuration', `Metrics cannot be served on ${host}, port ${port}: ${cause.message}. Set SHOAL_METRICS_HOST and SHOAL_METRICS_PORT to an address of this machine.`, { field: 'SHOAL_METRICS_HOST', cause });
}

async function answer({ method, url }: IncomingMessage, response: ServerResponse, telemetry: ProcessTelemetry, nowMs: () => number, notReady: () => string | undefined): Promise<void> {
  const path = url?.split('?', 1)[0];
  if (method !== 'GET' && method !== 'HEAD') return send(response, 405, 'only GET\n');
  if (path === '/healthz') return send(response, 200, 'ok\n');
  if (path === '/readyz') {
    const reason = notReady();
    return send(response, reason === undefined ? 200 : 503, `${reason ?? 'ready'}\n`);
  }
  if (path !== '/metrics') return send(response, 404, 'here are /metrics, /healthz and /readyz\n');
  // Loaded when somebody asks: a process that nobody scrapes starts without it.
  const { prometheusText, PROMETHEUS_MEDIA_TYPE } = await import('./index.ts');
  send(response, 200, prometheusText(telemetry.families(), telemetry.identity, nowMs()), PROMETHEUS_MEDIA_TYPE);
}

function send(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store' });
  response.end(text);
}
