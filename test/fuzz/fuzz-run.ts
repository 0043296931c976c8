/** Sends requests from one seed at a node and judges every answer. */
import { PROBLEM_MEDIA_TYPE, isErrorCode } from '@shoal/protocol';
import { FuzzConnection, type FuzzAnswer, type FuzzOutcome } from './fuzz-connection.ts';
import { nextRequest, type FuzzKeys, type FuzzRequest } from './request-generator.ts';
import { SeededChoice } from './seeded-choice.ts';

export interface FuzzOptions {
  readonly port: number;
  readonly keys: FuzzKeys;
  readonly seed: number;
  readonly requestCount: number;
  readonly connectionCount: number;
  /** Requests under way on one connection. */
  readonly pipelined: number;
  /** Called after every so many answers. */
  readonly reportEvery: number;
  readonly onReport: (report: FuzzReport) => void | Promise<void>;
}

export interface FuzzReport {
  answered: number;
  cut: number;
  readonly statuses: Map<number, number>;
  readonly codes: Map<string, number>;
  /** What must not be, with the request that caused it; the first ones. */
  readonly faults: string[];
}

/** Overload and deadlines are honest answers; so is a slot that is being recovered. */
const HONEST_5XX = new Set(['overloaded', 'deadline_exceeded', 'receipt_timeout', 'not_ready', 'slot_unavailable', 'log_unavailable']);
const FAULTS_KEPT = 20;

function faultOf(answer: FuzzAnswer, method: string): string | undefined {
  if (answer.status < 400) return undefined;
  if (method === 'HEAD') return answer.status === 500 ? 'status 500' : undefined;
  if (!answer.contentType.startsWith(PROBLEM_MEDIA_TYPE)) return `status ${answer.status} with content type ${answer.contentType}`;
  let problem: { readonly code?: unknown; readonly status?: unknown };
  try {
    problem = JSON.parse(answer.body) as typeof problem;
  } catch {
    return `status ${answer.status} with a body that is no JSON`;
  }
  if (!isErrorCode(problem.code) || problem.status !== answer.status) return `status ${answer.status} with code ${String(problem.code)}`;
  if (answer.status >= 500 && !HONEST_5XX.has(problem.code)) return `status ${answer.status}, ${problem.code}`;
  return undefined;
}

export async function runFuzz(options: FuzzOptions): Promise<FuzzReport> {
  const report: FuzzReport = { answered: 0, cut: 0, statuses: new Map(), codes: new Map(), faults: [] };
  let sent = 0;
  const judge = (request: FuzzRequest, outcome: FuzzOutcome): void => {
    if (outcome === 'cut') {
      report.cut += 1;
      return;
    }
    const fault = outcome === 'silent' ? (request.isMalformed ? undefined : 'no answer') : faultOf(outcome, request.method);
    if (fault !== undefined && report.faults.length < FAULTS_KEPT) report.faults.push(`${fault}: ${request.bytes.toString('latin1').slice(0, 2_000)} -> ${outcome === 'silent' ? '' : outcome.body.slice(0, 500)}`);
    if (outcome === 'silent') return;
    report.answered += 1;
    report.statuses.set(outcome.status, (report.statuses.get(outcome.status) ?? 0) + 1);
    const code = outcome.status >= 400 ? /"code":"(\w+)"/.exec(outcome.body)?.[1] : undefined;
    if (code !== undefined) report.codes.set(code, (report.codes.get(code) ?? 0) + 1);
  };
  const lane = async (index: number): Promise<void> => {
    const choice = new SeededChoice(options.seed * 1_000 + index);
    let connection = await FuzzConnection.open(options.port);
    while (sent < options.requestCount) {
      const batch: Promise<void>[] = [];
      for (let count = 0; count < options.pipelined && sent < options.requestCount; count += 1) {
        const request = nextRequest(options.keys, choice);
        sent += 1;
        // What is no HTTP gets a connection of its own, so that it cuts off nothing else.
        if (request.isMalformed) batch.push(alone(options.port, request).then((outcome) => judge(request, outcome)));
        else batch.push(connection.send(request).then((outcome) => judge(request, outcome)));
        if (sent % options.reportEvery === 0) batch.push(Promise.resolve(options.onReport(report)));
      }
      await Promise.all(batch);
      if (connection.closed) connection = await FuzzConnection.open(options.port);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: options.connectionCount }, (_, index) => lane(index)));
  return report;
}

/** What is half a request is left to itself after a moment. */
async function alone(port: number, request: FuzzRequest): Promise<FuzzOutcome> {
  const connection = await FuzzConnection.open(port);
  const patience = setTimeout(() => connection.close(), 500);
  try {
    return await connection.send(request);
  } finally {
    clearTimeout(patience);
    connection.close();
  }
}
