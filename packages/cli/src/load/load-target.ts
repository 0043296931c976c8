/** Finds the embedding to load into, or registers it from what the file and the options say. */
import type { EmbeddingDescription, ShoalClient } from '@shoal/client';
import { ShoalError, type Distance, type VectorMemory } from '@shoal/protocol';

export interface TargetOptions {
  readonly name: string;
  readonly model?: string | undefined;
  readonly distance?: Distance | undefined;
  readonly partitions?: number | undefined;
  readonly memory?: VectorMemory | undefined;
}

async function describeOrNothing(client: ShoalClient, name: string): Promise<EmbeddingDescription | undefined> {
  try {
    return await client.embedding(name).describe();
  } catch (error) {
    if (error instanceof ShoalError && (error.code === 'embedding_not_found' || error.code === 'embedding_dropped')) return undefined;
    throw error;
  }
}

function checkFits(found: EmbeddingDescription, options: TargetOptions, dim: number): void {
  const { name, model, distance } = options;
  if (found.dim !== dim) {
    throw new ShoalError('dimension_mismatch', `The file has vectors of ${dim} components; the embedding "${name}" has dimension ${found.dim}.`, { field: 'dim', limit: found.dim });
  }
  if ((model !== undefined && model !== found.model) || (distance !== undefined && distance !== found.distance)) {
    throw new ShoalError('spec_conflict', `The embedding "${name}" exists with model "${found.model}" and distance ${found.distance}.`, { field: 'model' });
  }
}

/** Throws `dimension_mismatch`, `spec_conflict`, `embedding_not_found` (missing, and the options do not say how to register it) or `name_taken`. */
export async function findOrRegister(client: ShoalClient, options: TargetOptions, dim: number): Promise<{ embedding: EmbeddingDescription; isNew: boolean }> {
  const { name, model, distance, partitions, memory } = options;
  const found = await describeOrNothing(client, name);
  if (found !== undefined) {
    checkFits(found, options, dim);
    return { embedding: found, isNew: false };
  }
  if (model === undefined || distance === undefined) {
    throw new ShoalError('embedding_not_found', `There is no embedding "${name}"; add --model and --distance to register it.`, { field: 'name' });
  }
  const { description } = await client.register({ name, model, dim, distance, ...(partitions === undefined ? {} : { partitions }), ...(memory === undefined ? {} : { rabitq: { memory } }) });
  if (description.name !== name) {
    const sentence = `Model "${model}" with dimension ${dim} and distance ${distance} is registered as "${description.name}"; load into that, or name another model.`;
    throw new ShoalError('spec_conflict', sentence, { field: 'name' });
  }
  return { embedding: description, isNew: true };
}
