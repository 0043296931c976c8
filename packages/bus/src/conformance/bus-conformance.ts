import { describe } from 'vitest';
import type { Bus } from '../bus.ts';
import { lifecycleConformance } from './lifecycle-conformance.ts';
import { publishConformance } from './publish-conformance.ts';
import { readConformance } from './read-conformance.ts';
import { registryConformance } from './registry-conformance.ts';
import { requestsConformance } from './requests-conformance.ts';
import { snapshotsConformance } from './snapshots-conformance.ts';
import { trimConformance } from './trim-conformance.ts';

/** A fresh bus of at least 4 slots, with nothing in its log and registry. */
export interface BusUnderTest {
  readonly bus: Bus;
  /** Another client of the same bus; the bus itself where only one process may use it. */
  peer(): Promise<Bus>;
  /** Closes every client and opens a new one over what is stored. */
  reopen(): Promise<Bus>;
  /** Closes every client and removes what is stored. */
  dispose(): Promise<void>;
}

export type OpenBus = () => Promise<BusUnderTest>;

/** The contract of the ports, as tests. Every implementation runs it. */
export function busConformance(name: string, open: OpenBus): void {
  describe(`${name} bus`, () => {
    publishConformance(open);
    readConformance(open);
    trimConformance(open);
    snapshotsConformance(open);
    requestsConformance(open);
    registryConformance(open);
    lifecycleConformance(open);
  });
}
