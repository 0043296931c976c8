import { Engine, type VectorIndex } from '@shoal/index';
import { rowOf } from '../engine/measured-engine.ts';
import { OperationFailure, type BenchCaller, type BenchData, type BenchTarget } from './bench-target.ts';

export interface EngineTargetOptions {
  readonly data: BenchData;
  readonly m: number;
  readonly efConstruction: number;
  readonly searchThreadCount: number;
}

const CODE_BITS = 8;
const SEED = 42;

/** The engine with its writer and search threads, in this process, without log, store or network. */
export class EngineTarget implements BenchTarget {
  readonly description: string;
  readonly processIds = [process.pid];
  readonly #engine: Engine;
  readonly #index: VectorIndex;
  readonly #data: BenchData;

  private constructor(engine: Engine, index: VectorIndex, data: BenchData, description: string) {
    this.#engine = engine;
    this.#index = index;
    this.#data = data;
    this.description = description;
  }

  static async start({ data, m, efConstruction, searchThreadCount }: EngineTargetOptions): Promise<EngineTarget> {
    const engine = await Engine.start({ searchThreadCount });
    const index = await engine.openIndex({ dim: data.data.dim, distance: data.distance, m, efConstruction, seed: SEED, rabitq: { bits: CODE_BITS, seed: SEED } });
    return new EngineTarget(engine, index, data, `the engine alone, ${searchThreadCount} search thread${searchThreadCount === 1 ? '' : 's'}`);
  }

  async openCaller(): Promise<BenchCaller> {
    const { data, queries } = this.#data;
    return {
      search: async (query, settings) => {
        const { ids } = await this.#index.search({ vector: rowOf(queries, query), ...settings }).catch(asFailure);
        return () => Array.from(ids);
      },
      insert: async (firstRow, count) => {
        const ops = Array.from({ length: count }, (_, index) => (
          { type: 'put' as const, id: firstRow + index, vector: rowOf(data, (firstRow + index) % data.count) }));
        await this.#index.apply(ops).catch(asFailure);
      },
      close: () => undefined,
    };
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }
}

function asFailure(error: unknown): never {
  throw new OperationFailure(error instanceof Error ? error.name : 'unknown', String(error));
}
