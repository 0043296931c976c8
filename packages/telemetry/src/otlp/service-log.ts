import { multistream, pino, type Logger } from 'pino';
import { TELEMETRY_LIMITS } from '../limits.ts';
import type { OtlpExport } from './open-otlp-export.ts';
import type { OtlpSettings } from './otlp-settings.ts';

export interface ServiceLog {
  /** Writes lines of JSON to the standard output. */
  readonly logger: Logger;
  /** Lines go there, too, from now on; so do the last TELEMETRY_LIMITS.waitingLogLines before. */
  sendTo(otlp: OtlpExport | undefined): void;
}

export interface ServiceLogOptions {
  readonly level: string;
  /** Members of every line. */
  readonly base: Readonly<Record<string, unknown>>;
  /** Without a place to send to, the logger is one that only writes. */
  readonly otlp: OtlpSettings | undefined;
}

/** The logger of a process, made before there is anything else; where its lines are sent to comes later. */
export function openServiceLog({ level, base, otlp: settings }: ServiceLogOptions): ServiceLog {
  if (settings?.sendsLogs !== true) return { logger: pino({ level, base }), sendTo: () => undefined };
  let waiting: string[] = [];
  let send = (line: string): void => {
    waiting.push(line);
    if (waiting.length > TELEMETRY_LIMITS.waitingLogLines) waiting.shift();
  };
  const output = multistream([{ level: 'trace', stream: pino.destination(1) }, { level: 'trace', stream: { write: (line: string) => send(line) } }]);
  return {
    logger: pino({ level, base }, output),
    sendTo(otlp) {
      const lines = waiting;
      waiting = [];
      send = (line) => otlp?.logLine(line);
      for (const line of lines) send(line);
    },
  };
}
