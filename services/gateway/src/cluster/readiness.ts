import { ShoalError } from '@shoal/protocol';
import type { RouteContext } from '../routes/route-context.ts';
import { slotRanges } from './slot-ranges.ts';

interface ReadinessFacts {
  readonly closing: boolean;
  readonly busConnected: boolean;
  readonly catalogueLoaded: boolean;
  readonly unservedSlots: readonly number[];
}

type ReadinessSources = Pick<RouteContext, 'isClosing' | 'bus' | 'catalogue' | 'clusterView'>;

/** Everything that is missing, in one sentence; undefined when nothing is. */
export function reasonNotReady({ isClosing, bus, catalogue, clusterView }: ReadinessSources): string | undefined {
  return missingOf({ closing: isClosing(), busConnected: bus.connected(), catalogueLoaded: catalogue.loaded, unservedSlots: clusterView.unservedSlots() });
}

/** Throws `not_ready`, naming everything that is missing. */
export function requireReady(sources: ReadinessSources): void {
  const reason = reasonNotReady(sources);
  if (reason !== undefined) throw new ShoalError('not_ready', reason);
}

function missingOf(facts: ReadinessFacts): string | undefined {
  const missing: string[] = [];
  if (facts.closing) missing.push('the gateway is closing');
  if (!facts.busConnected) missing.push('the message bus is not connected');
  if (!facts.catalogueLoaded) missing.push('the catalogue of embeddings is not loaded');
  if (facts.unservedSlots.length > 0) missing.push(`no shard is ready for slots ${slotRanges(facts.unservedSlots)}`);
  return missing.length === 0 ? undefined : `Not ready: ${missing.join('; ')}.`;
}
