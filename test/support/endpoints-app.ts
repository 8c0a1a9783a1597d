/** An application that can be stopped and started again on its port, that counts what it serves and may be slow or ill. */
import { EventEmitter, once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Test } from 'tap';
import { WebSocketServer } from 'ws';
import { freePort } from './peer-program.js';

export class App {
  /** Requests that came, health checks apart. */
  served = 0;
  /** Health checks that were answered since {@link healthy} was set last. */
  checked = 0;
  /** Requests wait for {@link answerAll}. */
  slow = false;
  private ill = false;
  private readonly waiting: ServerResponse[] = [];
  private server: http.Server | undefined;

  constructor(
    readonly port: number,
    private readonly news: EventEmitter,
  ) {}

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Requests under way. */
  get active(): number {
    return this.waiting.length;
  }

  /** Whether `/healthz` is answered 200, or 503. */
  set healthy(healthy: boolean) {
    this.ill = !healthy;
    this.checked = 0;
  }

  async start(): Promise<void> {
    const server = http.createServer((request, response) => this.answer(request, response));
    const webSockets = new WebSocketServer({ server });
    webSockets.on('connection', socket => socket.on('message', data => socket.send(data)));
    this.server = server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
  }

  /** As when its process is killed: nobody listens any more, and every connection is cut. */
  kill(): void {
    this.server?.close();
    this.server?.closeAllConnections();
    this.waiting.length = 0;
  }

  answerAll(): void {
    for (const response of this.waiting.splice(0)) response.end(this.address);
  }

  /** Resolves when one more request is there, at this one or at one that was made with it. */
  async request(): Promise<void> {
    await once(this.news, 'request');
  }

  private answer({ url }: IncomingMessage, response: ServerResponse): void {
    if (url === '/healthz') {
      this.checked += 1;
      response.statusCode = this.ill ? 503 : 200;
      response.end();
      return;
    }
    this.served += 1;
    if (this.slow) this.waiting.push(response);
    else response.end(this.address);
    this.news.emit('request');
  }
}

/** So many applications, not started, each on a port that stays its own. */
export async function makeApps(t: Test, count: number): Promise<App[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  const news = new EventEmitter();
  const apps = [...ports].map(port => new App(port, news));
  t.teardown(() => {
    for (const app of apps) app.kill();
  });
  return apps;
}

export async function startApps(t: Test, count: number): Promise<App[]> {
  const apps = await makeApps(t, count);
  for (const app of apps) await app.start();
  return apps;
}
