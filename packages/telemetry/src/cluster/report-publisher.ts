import { pause, type Timers } from '@shoal/pacing';
import { SUBJECTS, encodeMetricsReport } from '@shoal/protocol';
import { TELEMETRY_LIMITS } from '../limits.ts';
import type { ProcessTelemetry } from '../meter/process-telemetry.ts';
import type { ReportChannel } from './report-channel.ts';
import { reportOf } from './service-report.ts';

export interface PublisherOptions {
  readonly telemetry: ProcessTelemetry;
  readonly channel: ReportChannel;
  readonly timers: Timers;
  /** Told about a report that could not be announced; the next one holds what it held. */
  readonly onFailure: (error: unknown) => void;
}

/** Announces what the services of this process counted, every TELEMETRY_LIMITS.reportIntervalMs and once more at the end. */
export class ReportPublisher {
  readonly #options: PublisherOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #count = 0;

  private constructor(options: PublisherOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  static start(options: PublisherOptions): ReportPublisher {
    return new ReportPublisher(options);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { telemetry, timers } = this.#options;
    if (!telemetry.on) return;
    while (!this.#stop.signal.aborted) {
      this.#announce();
      await pause(timers, TELEMETRY_LIMITS.reportIntervalMs, this.#stop.signal);
    }
    this.#announce();
  }

  #announce(): void {
    const { telemetry, channel, onFailure } = this.#options;
    this.#count += 1;
    try {
      for (const meter of telemetry.meters()) channel.announce(SUBJECTS.metrics, encodeMetricsReport(reportOf(meter, telemetry.identity, this.#count)));
    } catch (error) {
      onFailure(error);
    }
  }
}
