import type { EmbeddingHandle, ShoalClient } from '@shoal/client';

export interface Film {
  readonly id: string;
  readonly title: string;
  /** Five numbers from 0 to 1: action, comedy, drama, romance, suspense. */
  readonly taste: readonly number[];
}

/** Films that are near to what somebody liked. */
export class Recommendations {
  readonly #films: EmbeddingHandle<{ title: string }>;

  private constructor(films: EmbeddingHandle<{ title: string }>) {
    this.#films = films;
  }

  static async open(shoal: ShoalClient): Promise<Recommendations> {
    const { handle } = await shoal.register<{ title: string }>({ name: 'films', model: 'taste-5', dim: 5, distance: 'cosine' });
    return new Recommendations(handle);
  }

  /** Resolves when searches anywhere find the films. */
  async add(films: readonly Film[]): Promise<void> {
    await this.#films.upsert(films.map(({ id, title, taste }) => ({ key: id, values: taste, payload: { title } })), { wait: 'applied' });
  }

  async remove(id: string): Promise<void> {
    await this.#films.delete([id], { wait: 'applied' });
  }

  /** Titles, the nearest first. */
  async like(taste: readonly number[], count: number): Promise<string[]> {
    const { hits } = await this.#films.search({ vector: taste, k: count, include: ['payload'] });
    return hits.map((hit) => hit.payload?.title ?? hit.key);
  }
}
