/** As a load balancer in front of gateways would do it: an attempt without an answer, or with a 503 or 504, sends the next one elsewhere. */
const ATTEMPT_MS = 2_500;
const ELSEWHERE: ReadonlySet<number> = new Set([502, 503, 504]);

export class GatewayFailover {
  readonly #urls: readonly string[];
  #preferred: number;
  /** Attempts that ended without an answer, or sent the next one elsewhere. */
  turnedAway = 0;

  /** `first` is the index of the gateway that is asked as long as it answers. */
  constructor(urls: readonly string[], first: number) {
    this.#urls = urls;
    this.#preferred = first % urls.length;
  }

  get url(): string {
    return this.#urls[0] ?? '';
  }

  /** Takes the place of fetch in a client of `url`. */
  readonly fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const { pathname, search } = new URL(String(input));
    const gateway = this.#preferred;
    const signals = [AbortSignal.timeout(ATTEMPT_MS), ...(init.signal === undefined || init.signal === null ? [] : [init.signal])];
    try {
      const response = await fetch(`${this.#urls[gateway]}${pathname}${search}`, { ...init, signal: AbortSignal.any(signals) });
      // The body may hang as well as the head.
      const body = await response.arrayBuffer();
      if (ELSEWHERE.has(response.status)) this.#turn(gateway);
      return new Response(body.byteLength === 0 ? null : body, { status: response.status, headers: response.headers });
    } catch (error) {
      this.#turn(gateway);
      throw error;
    }
  };

  #turn(from: number): void {
    this.turnedAway += 1;
    if (this.#preferred === from) this.#preferred = (from + 1) % this.#urls.length;
  }
}
