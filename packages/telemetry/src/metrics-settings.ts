import { choiceSetting, setting, wholeNumberSetting, type Environment } from '@shoal/protocol';
import { parseOtlpSettings, type OtlpSettings } from './otlp/otlp-settings.ts';

export interface MetricsSettings {
  /** Where /metrics, /healthz and /readyz are served without a key; nowhere when undefined. */
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  /** Whether anything is measured. */
  readonly on: boolean;
  /** Where metrics and traces are sent; nowhere when undefined. */
  readonly otlp: OtlpSettings | undefined;
}

/** Reads SHOAL_METRICS, SHOAL_METRICS_HOST, SHOAL_METRICS_PORT, and OpenTelemetry's own variables for what is sent. */
export function parseMetricsSettings(environment: Environment): MetricsSettings {
  const port = setting(environment, 'SHOAL_METRICS_PORT');
  return {
    on: choiceSetting(environment, 'SHOAL_METRICS', ['on', 'off'], 'on') === 'on',
    otlp: parseOtlpSettings(environment),
    listen: port === undefined ? undefined : {
      host: setting(environment, 'SHOAL_METRICS_HOST') ?? '127.0.0.1',
      port: wholeNumberSetting(environment, 'SHOAL_METRICS_PORT', { fallback: 0, minimum: 0, maximum: 65_535 }),
    },
  };
}
