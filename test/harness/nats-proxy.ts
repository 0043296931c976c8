import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface ProxyFaults {
  /** So many connections, from the first on, are taken and never answered, as by a server that stands still. */
  readonly silentConnections?: number;
  /** Every connection is cut the first time that a client sends one of these texts, before the server sees it. Each text cuts once. */
  readonly cutAt?: readonly string[];
  /** Begins at a cut; until it resolves, connections are closed as soon as they come. */
  readonly away?: () => Promise<void>;
}

/** Texts that come in two pieces are found up to this length. */
const TEXT_CHARS = 256;

/** Stands before a nats-server and disturbs its clients' connections at chosen moments. */
export class NatsProxy {
  readonly url: string;
  /** The texts at which connections were cut. */
  readonly cuts: string[] = [];
  connectionCount = 0;
  readonly #target: URL;
  readonly #faults: ProxyFaults;
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  #isAway = false;

  private constructor(target: URL, faults: ProxyFaults, listener: Server) {
    this.#target = target;
    this.#faults = faults;
    this.#listener = listener;
    this.url = `nats://127.0.0.1:${(listener.address() as AddressInfo).port}`;
    listener.on('connection', (client) => this.#take(client));
  }

  static async start(targetUrl: string, faults: ProxyFaults): Promise<NatsProxy> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new NatsProxy(new URL(targetUrl), faults, listener);
  }

  async close(): Promise<void> {
    this.#listener.close();
    this.#cutAll();
    await once(this.#listener, 'close');
  }

  #take(client: Socket): void {
    this.connectionCount += 1;
    this.#keep(client);
    if (this.#isAway) client.destroy();
    else if (this.connectionCount > (this.#faults.silentConnections ?? 0)) this.#join(client);
  }

  #join(client: Socket): void {
    const server = this.#keep(connect(Number(this.#target.port), this.#target.hostname));
    let before = '';
    client.on('data', (bytes) => {
      const text = before + bytes.toString('latin1');
      before = text.slice(-TEXT_CHARS);
      const found = this.#faults.cutAt?.find((each) => !this.cuts.includes(each) && text.includes(each));
      if (found === undefined) server.write(bytes);
      else this.#cut(found);
    });
    server.on('data', (bytes) => client.write(bytes));
    server.on('close', () => client.destroy());
    client.on('close', () => server.destroy());
  }

  #cut(text: string): void {
    this.cuts.push(text);
    this.#isAway = true;
    this.#cutAll();
    const back = (): void => {
      this.#isAway = false;
    };
    void (this.#faults.away?.() ?? Promise.resolve()).then(back, back);
  }

  #cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    // What goes wrong with one side ends the other.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    return socket;
  }
}
