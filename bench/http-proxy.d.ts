/** As much of http-proxy as the benchmark uses. */
declare module 'http-proxy' {
  import type { Agent, IncomingMessage, ServerResponse } from 'node:http';
  import type { Duplex } from 'node:stream';

  interface Options {
    readonly target: { readonly host: string; readonly port: number };
    readonly agent: Agent;
    /** Whether X-Forwarded-For and its like are added. */
    readonly xfwd: boolean;
  }

  interface Proxy {
    web(request: IncomingMessage, response: ServerResponse): void;
    ws(request: IncomingMessage, socket: Duplex, head: Buffer): void;
    on(event: 'error', told: (error: Error, request: IncomingMessage, outcome: ServerResponse | Duplex) => void): void;
  }

  const httpProxy: { createProxyServer(options: Options): Proxy };
  export default httpProxy;
}
