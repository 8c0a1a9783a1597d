/** HTTP clients that know which address they speak from, and may be their own load balancer. */
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Test } from 'tap';

export interface ClientRequest {
  readonly port: number;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  /** Pieces are sent one by one, as chunks unless Content-Length is among the headers. */
  readonly body?: string | Uint8Array | readonly (string | Uint8Array)[];
}

export interface ClientResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  /** The client's own end of the connection, as a PROXY header would name it. */
  readonly local: { readonly address: string; readonly port: number };
}

/** Sends a request; resolves with the whole response, rejects when the connection fails. */
export function request(agent: http.Agent, { body, ...options }: ClientRequest): Promise<ClientResponse> {
  return new Promise((resolve, reject) => {
    const { request: begin } = agent instanceof https.Agent ? https : http;
    const outgoing = begin({ host: '127.0.0.1', agent, ...options });
    outgoing.on('error', reject);
    outgoing.on('response', response => {
      const { localAddress = '', localPort = 0 } = response.socket;
      collect(response).then(bytes => {
        const local = { address: localAddress, port: localPort };
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes, local });
      }, reject);
    });
    if (typeof body === 'string' || body instanceof Uint8Array) outgoing.end(body);
    else {
      for (const piece of body ?? []) outgoing.write(piece);
      outgoing.end();
    }
  });
}

async function collect(response: http.IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Keeps one connection alive from a local address of choice. */
export function clientAt(t: Test, localAddress: string): http.Agent {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1, localAddress });
  t.teardown(() => agent.destroy());
  return agent;
}

/** Keeps connections alive that begin with a PROXY header. */
export class HeaderAgent extends http.Agent {
  /** Connections opened so far. */
  opened = 0;

  constructor(
    t: Test,
    private readonly header: string | Uint8Array,
    maxSockets = 1,
  ) {
    super({ keepAlive: true, maxSockets });
    t.teardown(() => this.destroy());
  }

  override createConnection(options: http.ClientRequestArgs): Duplex {
    this.opened += 1;
    const socket = net.connect({ port: Number(options.port), host: '127.0.0.1', noDelay: true });
    socket.write(this.header);
    return socket;
  }
}
