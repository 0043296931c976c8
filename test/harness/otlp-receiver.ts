import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';

/** A span as it was received, with the service that sent it. */
export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code?: number };
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A line of a log as it was received. */
export interface ReceivedLog {
  readonly service: string;
  readonly severityText: string;
  readonly body: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface ReceivedPoint {
  readonly service: string;
  readonly instance: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly explicitBounds?: readonly number[];
  readonly bucketCounts?: readonly (string | number)[];
  readonly count?: string | number;
  readonly asDouble?: number;
}

interface Attribute { readonly key: string; readonly value: Readonly<Record<string, unknown>> }
interface Resource { readonly attributes: readonly Attribute[] }
interface Points { readonly dataPoints: readonly (Omit<ReceivedPoint, 'attributes'> & { readonly attributes: readonly Attribute[] })[] }
interface Metric { readonly name: string; readonly histogram?: Points; readonly gauge?: Points; readonly sum?: Points }
interface LogLine { readonly severityText: string; readonly body: { readonly stringValue: string }; readonly traceId?: string; readonly spanId?: string; readonly attributes: readonly Attribute[] }
interface Export {
  readonly resourceSpans?: readonly { readonly resource: Resource; readonly scopeSpans: readonly { readonly spans: readonly (Omit<ReceivedSpan, 'attributes' | 'service'> & { readonly attributes: readonly Attribute[] })[] }[] }[];
  readonly resourceMetrics?: readonly { readonly resource: Resource; readonly scopeMetrics: readonly { readonly metrics: readonly Metric[] }[] }[];
  readonly resourceLogs?: readonly { readonly resource: Resource; readonly scopeLogs: readonly { readonly logRecords: readonly LogLine[] }[] }[];
}

const valuesOf = (attributes: readonly Attribute[]): Record<string, unknown> => Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** A receiver of OTLP over HTTP on a port of loopback: keeps spans and log lines, and of each metric what it heard last. */
export class OtlpReceiver {
  readonly url: string;
  readonly spans: ReceivedSpan[] = [];
  readonly logs: ReceivedLog[] = [];
  /** By name, then by process and attributes. */
  readonly metrics = new Map<string, Map<string, ReceivedPoint>>();
  readonly close: () => Promise<void>;

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.close = close;
  }

  static async start(): Promise<OtlpReceiver> {
    const server = createServer((request, response) => {
      const body = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
      json(body).then(
        (received) => {
          receiver.#take(received as Export);
          response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
        },
        () => response.writeHead(400).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const receiver = new OtlpReceiver(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }));
    return receiver;
  }

  #take({ resourceSpans = [], resourceMetrics = [], resourceLogs = [] }: Export): void {
    for (const { resource, scopeLogs } of resourceLogs) {
      const service = String(valuesOf(resource.attributes)['service.name']);
      for (const { body, attributes, ...line } of scopeLogs.flatMap(({ logRecords }) => logRecords)) this.logs.push({ ...line, service, body: body.stringValue, attributes: valuesOf(attributes) });
    }
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = String(valuesOf(resource.attributes)['service.name']);
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) this.spans.push({ ...span, service, attributes: valuesOf(span.attributes) });
    }
    for (const { resource, scopeMetrics } of resourceMetrics) {
      const { 'service.name': service, 'service.instance.id': instance } = valuesOf(resource.attributes);
      for (const { name, histogram, gauge, sum } of scopeMetrics.flatMap(({ metrics }) => metrics)) {
        for (const point of (histogram ?? gauge ?? sum)?.dataPoints ?? []) this.#keep(name, { ...point, service: String(service), instance: String(instance), attributes: valuesOf(point.attributes) });
      }
    }
  }

  #keep(name: string, point: ReceivedPoint): void {
    const points = this.metrics.get(name) ?? new Map<string, ReceivedPoint>();
    this.metrics.set(name, points.set(JSON.stringify([point.instance, point.attributes]), point));
  }
}
