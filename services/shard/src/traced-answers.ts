import type { LogMessage } from '@shoal/bus';
import type { QueryRequest, Slot } from '@shoal/protocol';
import type { EngineSearch, SearchProbe, SearchWatch } from '@shoal/shard-core';
import type { TracedSpan, Tracing } from '@shoal/telemetry';

/** The shard's part of a message that is traced; undefined for one that is not. */
export function servedSpan(tracing: Tracing | undefined, traceParent: string | undefined, slot: Slot, { type, items }: QueryRequest): TracedSpan | undefined {
  if (tracing === undefined || traceParent === undefined) return undefined;
  return tracing.served(`slot ${type}`, traceParent, { 'shoal.slot': slot, 'shoal.query.items': items.length });
}

/** Spans of the writes that are applied together, in the traces that their writers began. */
export function appliedSpans(tracing: Tracing | undefined, slot: Slot, group: readonly LogMessage[]): readonly TracedSpan[] {
  if (tracing === undefined) return [];
  const parents = group.flatMap(({ traceParent }) => traceParent?.() ?? []);
  return parents.length === 0 ? [] : tracing.taken('slot apply', parents, { 'shoal.slot': slot, 'shoal.log.messages': group.length });
}

/** Adds each run of a search in the engine to the trace, besides what is watched anyway. */
export function tracedSearches(span: TracedSpan, watch: SearchWatch | undefined): SearchWatch {
  const probe: SearchProbe = { engineAsked: () => engineSpan(span) };
  return {
    begun(item) {
      const other = watch?.begun(item);
      return other === undefined ? probe : both(probe, other);
    },
    answered: (item, answer) => watch?.answered(item, answer),
  };
}

function engineSpan(parent: TracedSpan): (search: EngineSearch) => void {
  const span = parent.child('engine search', {});
  return ({ item: { code, partition, k }, filter, found }) => {
    span.end({ 'shoal.embedding.code': code, 'shoal.partition': partition, 'shoal.search.k': k, 'shoal.search.path': found.path, 'shoal.search.distances': found.distanceComputations, 'shoal.search.filtered': filter !== undefined });
  };
}

function both(first: SearchProbe, second: SearchProbe): SearchProbe {
  return {
    engineAsked() {
      const [answeredFirst, answeredSecond] = [first.engineAsked(), second.engineAsked()];
      return (search) => {
        answeredFirst(search);
        answeredSecond(search);
      };
    },
  };
}
