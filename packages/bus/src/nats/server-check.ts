import { ShoalError } from '@shoal/protocol';
import { BUS_LIMITS } from '../limits.ts';
import { isNewEnough, MINIMUM_SERVER_VERSION } from '../nats-server/server-version.ts';

/** What a server says about itself when a client connects. */
export interface ServerFacts {
  readonly version: string;
  readonly max_payload: number;
}

/** Throws `bus_incompatible` for a server that is too old or carries too little in one message. */
export function checkServer(facts: ServerFacts): void {
  if (!isNewEnough(facts.version)) {
    throw new ShoalError('bus_incompatible', `The NATS server has version ${facts.version}; ${MINIMUM_SERVER_VERSION} or newer is needed, for atomic batches.`);
  }
  const needed = BUS_LIMITS.entryBytes + 4096;
  if (facts.max_payload < needed) {
    throw new ShoalError('bus_incompatible', `The NATS server takes messages of at most ${facts.max_payload} bytes; set its max_payload to ${needed} or more.`, { limit: needed });
  }
}

export function jetStreamMissing(version: string, cause: unknown): ShoalError {
  return new ShoalError('bus_incompatible', `The NATS server ${version} runs without JetStream; start it with JetStream (nats-server -js), version ${MINIMUM_SERVER_VERSION} or newer.`, { cause });
}
