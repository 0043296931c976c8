import { choiceSetting, invalidSetting, setting, wholeNumberSetting, type Environment } from '@shoal/protocol';

const SAMPLERS = ['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const;

/** Where telemetry is sent, and how much of it. */
export interface OtlpSettings {
  /** Base address of a receiver of OTLP over HTTP, without a slash at its end. */
  readonly endpoint: string;
  readonly sampler: (typeof SAMPLERS)[number];
  /** Share of the traces that the samplers by ratio take, 0 to 1. */
  readonly ratio: number;
  readonly metricsIntervalMs: number;
  /** Whether log lines are sent, too. */
  readonly sendsLogs: boolean;
}

function endpointSetting(environment: Environment): string | undefined {
  const text = setting(environment, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // What was given may hold a password: the message leaves it out.
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw invalidSetting('OTEL_EXPORTER_OTLP_ENDPOINT', '…', 'an address like http://otel-collector:4318');
  return text.replace(/\/+$/, '');
}

function ratioSetting(environment: Environment): number {
  const text = setting(environment, 'OTEL_TRACES_SAMPLER_ARG') ?? '1';
  const ratio = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || ratio > 1) throw invalidSetting('OTEL_TRACES_SAMPLER_ARG', text, 'a number from 0 to 1');
  return ratio;
}

/** Undefined, when nothing is sent, unless OTEL_EXPORTER_OTLP_ENDPOINT is set. The other names are OpenTelemetry's, too. */
export function parseOtlpSettings(environment: Environment): OtlpSettings | undefined {
  const endpoint = endpointSetting(environment);
  if (endpoint === undefined) return undefined;
  return {
    endpoint,
    sampler: choiceSetting(environment, 'OTEL_TRACES_SAMPLER', SAMPLERS, 'parentbased_always_on'),
    ratio: ratioSetting(environment),
    metricsIntervalMs: wholeNumberSetting(environment, 'OTEL_METRIC_EXPORT_INTERVAL', { fallback: 60_000, minimum: 1_000, maximum: 3_600_000 }),
    sendsLogs: choiceSetting(environment, 'OTEL_LOGS_EXPORTER', ['otlp', 'none'], 'otlp') === 'otlp',
  };
}
