/**
 * The least that Node needs to pass a WebSocket on, as a process of its own: arguments are its port and the backend's. It
 * does no work of a proxy but what the benchmark's check asks for (the PROXY header goes, the client is named in each head
 * that comes in one piece), and a write that the system doesn't take at once ends the connection. What usher takes more is
 * usher's own; what the C proxies take less is Node's.
 */
import { createServer, type Server } from 'node:net';
import { type Handles, handles, type TcpHandle } from '../../src/handles.js';
import { CLIENT, PROXY_HEADER } from '../load/proxy-header.js';

const [port = 0, backendPort = 0] = process.argv.slice(2).map(Number);
if (handles === undefined) throw new Error('this Node shows no handles');
const node: Handles = handles;

const shared = Buffer.allocUnsafeSlow(64 * 1024);
/** Its beginnings: to make one for each read would be dearer than the rest. */
const beginnings = Array.from({ length: shared.length + 1 }, (_, length) => shared.subarray(0, length));
let request = node.newWrite();

class End {
  other: End | undefined;
  closed = false;
  /** Bytes of the PROXY header still to come. */
  private skip = PROXY_HEADER.length;

  /** @param heads whether request heads come from there */
  constructor(
    readonly handle: TcpHandle,
    private heads: boolean,
  ) {}

  read(): void {
    const { handle } = this;
    handle.onread = () => this.take(node.state[node.readCountAt] ?? 0);
    handle.useUserBuffer(shared);
    handle.readStart();
  }

  private take(count: number): undefined {
    if (count < 0) this.close();
    if (count <= 0) return;
    const bytes = beginnings[count] as Buffer;
    this.other?.write(this.heads ? this.changed(bytes) : bytes);
  }

  /** Drops the PROXY header and names the client, until a WebSocket is asked for. */
  private changed(bytes: Buffer): Buffer {
    const text = bytes.toString('latin1', this.skip);
    this.skip = 0;
    this.heads = !/^Upgrade: websocket\r$/m.test(text);
    const honest = text.replace(/^X-Forwarded-For: .*\r\n/m, '');
    return Buffer.from(honest.replace('\r\n', `\r\nX-Forwarded-For: ${CLIENT}\r\n`), 'latin1');
  }

  write(bytes: Buffer): void {
    if (this.closed || bytes.length === 0) return;
    const status = this.handle.writeBuffer(request, bytes);
    if (status === 0 && node.state[node.writeWaitsAt] === 0) return;
    request = node.newWrite();
    this.close();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.handle.close();
    this.other?.close();
  }
}

function relay(accepted: TcpHandle): void {
  const client = new End(accepted, true);
  const backend = new End(node.newHandle(), false);
  client.other = backend;
  backend.other = client;
  client.handle.setNoDelay(true);
  const connect = node.newConnect();
  // What the client sends meanwhile waits in the system.
  connect.oncomplete = status => {
    if (status !== 0 || client.closed) {
      client.close();
      return;
    }
    backend.handle.setNoDelay(true);
    backend.read();
    client.read();
  };
  backend.handle.connect(connect, '127.0.0.1', backendPort);
}

interface Listening extends Server {
  readonly _handle: { onconnection: (status: number, client: TcpHandle) => void };
}

const server = createServer();
server.listen({ port, host: '127.0.0.1', backlog: 8192 }, () => {
  (server as Listening)._handle.onconnection = (status, client) => {
    if (status === 0) relay(client);
  };
});
