import type { Address, Kernel } from '@shoal/kernel';
import type { IndexSpec } from './index-spec.ts';
import { rerankCount } from './kernel-parameters.ts';
import type { ReadTurns } from './read-turns.ts';
import { DEEPEST, Rerank } from './rerank.ts';
import { SearchBatch } from './search-batch.ts';
import type { SearchDispatch } from './search-dispatch.ts';
import type { SearchHits, SearchRequest } from './search-request.ts';
import type { VectorSource, VectorView } from './vector-source.ts';

interface CodesOnlyParts {
  readonly kernel: Kernel;
  readonly dispatch: SearchDispatch;
  readonly readTurns: ReadTurns;
  readonly index: Address;
  readonly spec: IndexSpec;
  readonly vectors: VectorSource;
}

/** Searches of an index that keeps codes alone: a search thread finds candidates, then their vectors are read and decide. */
export class CodesOnlySearch {
  readonly #parts: CodesOnlyParts;

  constructor(parts: CodesOnlyParts) {
    this.#parts = parts;
  }

  /** No id that it meets may be given to another vector before it has settled. */
  async search(request: SearchRequest): Promise<SearchHits> {
    const view = this.#parts.vectors.view();
    try {
      const first = await this.#rerank(request, rerankCount(this.#parts.spec, request), view);
      if (!first.needsDeeper) return first.hits();
      return (await this.#rerank({ ...request, path: DEEPEST.path }, DEEPEST.rerankCount, view)).hits();
    } finally {
      await view.close();
    }
  }

  async #rerank(request: SearchRequest, candidateCount: number, view: VectorView): Promise<Rerank> {
    const { kernel, readTurns, spec } = this.#parts;
    const places = kernel.candidateCount(request.k, candidateCount);
    const rerank = new Rerank(spec, request, await this.#ask(request, candidateCount, places), places);
    for (let ids = rerank.nextIds(); ids.length > 0; ids = rerank.nextIds()) {
      const wanted = ids;
      rerank.take(await readTurns.run(() => view.read(wanted)));
    }
    return rerank;
  }

  #ask(request: SearchRequest, candidateCount: number, places: number): Promise<SearchHits> {
    const { dispatch, index, spec } = this.#parts;
    return new Promise((resolve, reject) => {
      dispatch.submit(new SearchBatch({
        index, dim: spec.dim, queries: request.vector, settings: request, rerankCount: candidateCount, places,
        resolve: ([hits]) => { resolve(hits as SearchHits); }, reject,
      }));
    });
  }
}
