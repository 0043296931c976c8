import { CLIENT_LIMITS } from './limits.ts';
import type { ClientSettings } from './client-options.ts';

/** Which of several gateways is asked: one and the same as long as it answers, then the next. */
export class GatewayChoice {
  readonly #urls: readonly string[];
  #index = 0;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  get url(): string {
    return this.#urls[this.#index] ?? '';
  }

  get hasOthers(): boolean {
    return this.#urls.length > 1;
  }

  /** Of several calls that found the same gateway wanting, the first one turns to the next. */
  leave(url: string): void {
    if (url === this.url) this.#index = (this.#index + 1) % this.#urls.length;
  }
}

export interface GatewayWatch {
  /** Aborts when the gateway gives no sign of life. */
  readonly silent: AbortSignal;
  stop(): void;
}

/**
 * Asks a gateway whether it is there while an answer of it is waited for. An answer may take its time; one that stands still, or that
 * nothing reaches any more, does not answer `/healthz` either.
 */
export function watchGateway(url: string, { fetch, wait }: Pick<ClientSettings, 'fetch' | 'wait'>): GatewayWatch {
  const stopped = new AbortController();
  const silent = new AbortController();
  const watch = async (): Promise<void> => {
    for (;;) {
      await wait(CLIENT_LIMITS.silenceMs, stopped.signal);
      try {
        const response = await fetch(`${url}/healthz`, { signal: AbortSignal.any([stopped.signal, AbortSignal.timeout(CLIENT_LIMITS.silenceMs)]) });
        await response.body?.cancel();
      } catch {
        if (!stopped.signal.aborted) silent.abort();
        return;
      }
    }
  };
  // It ends by the abort of its wait.
  watch().catch(() => undefined);
  return { silent: silent.signal, stop: () => stopped.abort() };
}
