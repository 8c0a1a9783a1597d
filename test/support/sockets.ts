/** Raw TCP for tests: a client that keeps what it gets, and a server whose behaviour a test writes. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { dial } from '../../src/backend/dial.js';
import { bare } from '../../src/bare-transport.js';
import { Listener } from '../../src/listener/listener.js';
import type { Transport } from '../../src/transport.js';

/** A v1 header that names 203.0.113.9 as the client. */
export const HEADER = 'PROXY TCP4 203.0.113.9 10.0.1.20 51234 443\r\n';

export class RawClient {
  received = Buffer.alloc(0);
  /** How the connection ended for us: 'open', 'fin', 'closed' or the error's code. */
  ending: string = 'open';

  constructor(readonly socket: net.Socket) {
    socket.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
      socket.emit('change');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.ending = error.code ?? error.message;
    });
    socket.on('end', () => {
      if (this.ending === 'open') this.ending = 'fin';
      socket.emit('change');
    });
    socket.on('close', () => {
      if (this.ending === 'open') this.ending = 'closed';
      socket.emit('change');
    });
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Resolves when something came or the connection ended; unlike `once` it doesn't reject for an error. */
  change(): Promise<void> {
    return new Promise(resolve => this.socket.once('change', resolve));
  }

  /** Resolves when what was received holds `text`; rejects when the connection ends without it. */
  async until(text: string): Promise<string> {
    while (!this.text.includes(text)) {
      if (this.ending !== 'open')
        throw new Error(`ended (${this.ending}) without ${JSON.stringify(text)}: ${this.text}`);
      await this.change();
    }
    return this.text;
  }

  /** Resolves with everything received when the other side has ended or reset the connection. */
  async ended(): Promise<string> {
    while (this.ending === 'open') await this.change();
    return this.text;
  }
}

/** Connects; `bytes` go out at once. The test destroys the socket. */
export async function connect(t: Test, port: number, bytes: string | Uint8Array = ''): Promise<RawClient> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const client = new RawClient(socket);
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  if (bytes.length > 0) client.send(bytes);
  return client;
}

/** Sends bytes, and resolves with all that comes back until the other side ends. */
export async function converse(t: Test, port: number, bytes: string | Uint8Array): Promise<string> {
  const client = await connect(t, port, bytes);
  const text = await client.ended();
  client.socket.destroy();
  return text;
}

export interface RawServer {
  readonly port: number;
  /** Every connection, in order. */
  readonly connections: RawClient[];
  /** Resolves with the connection of that index as soon as it is there. */
  connection(index: number): Promise<RawClient>;
}

/** A TCP server that does with each connection what the test says. */
export async function serve(t: Test, behave: (client: RawClient) => void = () => {}): Promise<RawServer> {
  const connections: RawClient[] = [];
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    const client = new RawClient(socket);
    connections.push(client);
    behave(client);
    server.emit('kept');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const { socket } of connections) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  const connection = async (index: number): Promise<RawClient> => {
    for (;;) {
      const found = connections[index];
      if (found !== undefined) return found;
      await once(server, 'kept');
    }
  };
  return { port, connections, connection };
}

/** Connects from another address of this machine, so that usher sees another peer. */
export async function connectFrom(t: Test, localAddress: string, port: number, host = '127.0.0.1'): Promise<RawClient> {
  const socket = net.connect({ port, host, localAddress, allowHalfOpen: true, noDelay: true });
  const client = new RawClient(socket);
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return client;
}

/** Sends one piece after the other, with turns of the event loop in between so that each arrives by itself. */
export async function sendPieces(client: RawClient, pieces: Iterable<string | Uint8Array>): Promise<void> {
  for (const piece of pieces) {
    client.send(piece);
    await turns(2);
  }
}

/** Lets the event loop turn, so that what is under way between sockets of this process arrives. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise(resolve => setImmediate(resolve));
}

/** Two ends of one connection: ours, which nobody is told of yet, and who is far away. */
export interface Pair {
  readonly transport: Transport;
  readonly far: RawClient;
}

/** Ours was accepted by a listener. */
export async function acceptedPair(t: Test): Promise<Pair> {
  let listener: Listener | undefined;
  const accepted = new Promise<Transport>((resolve, reject) => {
    listener = new Listener({ host: '127.0.0.1', port: 0 }, { accepted: resolve, acceptFailed: reject });
  });
  const far = await connect(t, (await listener?.bind())?.port ?? 0);
  const transport = await accepted;
  listener?.suspend();
  t.teardown(() => transport.destroy());
  return { transport, far };
}

/** Ours was dialled. */
export async function dialledPair(t: Test): Promise<Pair> {
  const { port, connection } = await serve(t);
  const transport = await new Promise<Transport>((onConnected, reject) => {
    const onFailed = (code: string, why: string) => reject(new Error(`${code}: ${why}`));
    dial({ host: '127.0.0.1', port, weight: 1 }, 5_000, { onConnected, onFailed });
  });
  t.teardown(() => transport.destroy());
  return { transport, far: await connection(0) };
}

/** Ours is a socket as Node makes it. */
export async function plainly(t: Test, makePair: (t: Test) => Promise<Pair>): Promise<Pair> {
  const before = bare.off;
  bare.off = true;
  try {
    return await makePair(t);
  } finally {
    bare.off = before;
  }
}
