/** Raw TCP for tests: a client that keeps what it gets, and a server whose behaviour a test writes. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import type { Test } from 'tap';

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

  /** Resolves when what was received holds `text`; rejects when the connection ends without it. */
  async until(text: string): Promise<string> {
    while (!this.text.includes(text)) {
      if (this.ending !== 'open')
        throw new Error(`ended (${this.ending}) without ${JSON.stringify(text)}: ${this.text}`);
      await once(this.socket, 'change');
    }
    return this.text;
  }

  /** Resolves with everything received when the other side has ended or reset the connection. */
  async ended(): Promise<string> {
    while (this.ending === 'open') await once(this.socket, 'change');
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
