import type { ProcessTelemetry } from '../meter/process-telemetry.ts';
import type { OtlpSettings } from './otlp-settings.ts';
import type { Tracing } from './tracing.ts';

export interface OtlpExportOptions {
  /** Which kind of process this is; `service.name` is `shoal-` and it. */
  readonly service: 'gateway' | 'shard' | 'node' | 'worker';
  /** Whose metrics are sent. */
  readonly telemetry: ProcessTelemetry;
  readonly nowMs: () => number;
  /** Something could not be sent; it is lost, and later things are tried all the same. */
  readonly onFailure: (message: string) => void;
}

export interface OtlpExport {
  readonly tracing: Tracing;
  /** Takes a line of pino; anything else is left out. */
  logLine(line: string): void;
  /** Sends what there is, at most for TELEMETRY_LIMITS.exportCloseMs. Never rejects. */
  close(): Promise<void>;
}

/** Nothing is loaded, and nothing is paid, where there are no settings. */
export async function openOtlpExport(settings: OtlpSettings | undefined, options: OtlpExportOptions): Promise<OtlpExport | undefined> {
  if (settings === undefined) return undefined;
  const { startOtlpExport } = await import('./otlp-export.ts');
  return startOtlpExport(settings, options);
}
