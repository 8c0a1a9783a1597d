/** Raw TCP for tests: a client that keeps what it gets, and a server whose behaviour a test writes. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { WireSocket } from '../../src/wire-socket.js';

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

/** Two ends of one connection: `socket` as a server accepts it, nobody listening to it yet, and who is far away. */
export async function socketPair(t: Test): Promise<{ readonly socket: net.Socket; readonly far: RawClient }> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const far = await connect(t, (server.address() as AddressInfo).port);
  const [socket] = (await accepted) as [net.Socket];
  server.close();
  t.teardown(() => socket.destroy());
  return { socket, far };
}

/** Like {@link socketPair}, but `socket` is one that usher dialled, and that shares its read buffer where it can. */
export async function dialledPair(t: Test): Promise<{ readonly socket: net.Socket; readonly far: RawClient }> {
  const server = await serve(t);
  const socket = WireSocket.unconnected();
  t.teardown(() => socket.destroy());
  socket.connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  return { socket, far: await server.connection(0) };
}
