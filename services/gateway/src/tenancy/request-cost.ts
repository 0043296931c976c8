/** What one request has cost so far; routes add to it. */
export interface RequestCost {
  distances: number;
  vectors: number;
  bytesIn: number;
}

export const newRequestCost = (): RequestCost => ({ distances: 0, vectors: 0, bytesIn: 0 });

/** The header that tells the caller, as in `distances=1280;vectors=0;bytes-in=912;bytes-out=2210`. */
export const COST_HEADER = 'shoal-cost';

export function costText({ distances, vectors, bytesIn }: RequestCost, bytesOut: number): string {
  return `distances=${distances};vectors=${vectors};bytes-in=${bytesIn};bytes-out=${bytesOut}`;
}
