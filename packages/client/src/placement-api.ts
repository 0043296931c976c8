import type { PlacementChange } from '@shoal/protocol';
import type { CallOptions } from './client-options.ts';
import type { HttpTransport } from './http-transport.ts';
import { jsonBody } from './tenants-api.ts';

/**
 * Which shard holds which slots; needs the root key. Changes are in the map when a call returns, and slots follow in the background:
 * `ShoalClient.cluster()` shows how far they are. Each may be repeated.
 */
export class PlacementApi {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  /** The shard gives up its slots once others have them, and takes no more. */
  drain(shard: string, options: CallOptions = {}): Promise<PlacementChange> {
    return this.#change('PUT', `/v1/cluster/drains/${encodeURIComponent(shard)}`, undefined, options);
  }

  undrain(shard: string, options: CallOptions = {}): Promise<PlacementChange> {
    return this.#change('DELETE', `/v1/cluster/drains/${encodeURIComponent(shard)}`, undefined, options);
  }

  /** The shard shall hold a replica of the slot, whatever balance asks for. */
  move(slot: number, shard: string, options: CallOptions = {}): Promise<PlacementChange> {
    return this.#change('PUT', `/v1/cluster/pins/${slot}`, { shard }, options);
  }

  /** Balance decides again who holds the slot. */
  unpin(slot: number, options: CallOptions = {}): Promise<PlacementChange> {
    return this.#change('DELETE', `/v1/cluster/pins/${slot}`, undefined, options);
  }

  /** How many replicas each slot shall have, on different shards. */
  setReplicas(replicas: number, options: CallOptions = {}): Promise<PlacementChange> {
    return this.#change('PUT', '/v1/cluster/replicas', { replicas }, options);
  }

  async #change(method: 'PUT' | 'DELETE', path: string, body: object | undefined, options: CallOptions): Promise<PlacementChange> {
    return (await this.#transport.call({ method, path, ...(body === undefined ? {} : { body: jsonBody(body) }) }, options)) as PlacementChange;
  }
}
