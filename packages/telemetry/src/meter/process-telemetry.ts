import type { MetricFamily, MetricSource } from './metric-family.ts';
import { ProcessMeter } from './process-families.ts';
import { SERVICES, ServiceMeter, type Service } from './service-meter.ts';

export interface ProcessIdentity {
  /** Names this process among all that ever ran; random. */
  readonly instance: string;
  readonly startedAtMs: number;
  readonly version: string;
}

/** What one process measures: a meter per service in it, and the process itself. */
export class ProcessTelemetry {
  readonly identity: ProcessIdentity;
  readonly on: boolean;
  readonly #meters = new Map<Service, ServiceMeter>();
  readonly #process = new ProcessMeter();
  readonly #sources: MetricSource[] = [];

  constructor(identity: ProcessIdentity, options: { readonly on: boolean } = { on: true }) {
    this.identity = identity;
    this.on = options.on;
    if (this.on) this.#process.start();
  }

  meter(service: Service): ServiceMeter {
    const known = this.#meters.get(service);
    if (known !== undefined) return known;
    const meter = new ServiceMeter(service, { on: this.on });
    this.#meters.set(service, meter);
    return meter;
  }

  /** Families of a process that does something else than a service with operations. */
  addSource(source: MetricSource): void {
    this.#sources.push(source);
  }

  meters(): readonly ServiceMeter[] {
    return SERVICES.flatMap((service) => this.#meters.get(service) ?? []);
  }

  /** The families of all services of the process, those of one name together. */
  families(): readonly MetricFamily[] {
    const byName = new Map<string, MetricFamily>();
    for (const family of [...this.meters().flatMap((meter) => meter.families()), ...this.#sources.flatMap((source) => source()), ...this.#process.families()]) {
      const known = byName.get(family.name);
      byName.set(family.name, known === undefined ? family : ({ ...known, points: [...known.points, ...family.points] } as MetricFamily));
    }
    return [...byName.values()];
  }

  close(): void {
    this.#process.close();
  }
}
