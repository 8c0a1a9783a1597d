/** Clients of all kinds that go on until they are told to stop, and notice whatever a reload does to them. */
import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import type { Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { Session } from './affinity-clients.js';
import { serveHttp } from './http.js';
import { HeaderAgent, request } from './peer-client.js';
import { HEADER } from './sockets.js';

/** An application that says how many bytes it got, and echoes WebSocket messages. */
export async function startApp(t: Test): Promise<number> {
  const { port, server } = await serveHttp(t, (incoming, outgoing) => {
    let bytes = 0;
    incoming.on('data', piece => {
      bytes += piece.length;
    });
    incoming.on('end', () => outgoing.end(`${port} ${bytes}`));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', socket => socket.on('message', data => socket.send(data)));
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
  });
  return port;
}

const UPLOAD = Array.from({ length: 16 }, () => Buffer.alloc(16_384, 'u'));

export class Load {
  /** What went wrong, each in a line: nothing may. */
  readonly faults: string[] = [];
  /** Ports of the applications that answered. */
  readonly answeredBy = new Set<string>();
  private readonly rounds = new Map<string, number>();
  private readonly workers: Promise<void>[] = [];
  private readonly news = new EventEmitter();
  private stopped = false;

  constructor(
    private readonly t: Test,
    private readonly port: number,
  ) {}

  async start(): Promise<void> {
    for (let n = 0; n < 6; n += 1) {
      const agent = new HeaderAgent(this.t, HEADER);
      this.work(`request ${n}`, () => this.ask(agent));
    }
    for (let n = 0; n < 2; n += 1) {
      const agent = new HeaderAgent(this.t, HEADER);
      this.work(`upload ${n}`, () => this.ask(agent, UPLOAD));
    }
    for (let n = 0; n < 8; n += 1) this.work(`socket ${n}`, await this.webSocket());
    for (let n = 0; n < 4; n += 1) {
      const session = await (await Session.open(this.port)).join();
      this.work(`session ${n}`, () => session.echo(`${n}`));
    }
  }

  /** Resolves when every client has been served so often more. */
  async served(times: number): Promise<void> {
    const wanted = new Map([...this.rounds].map(([name, rounds]) => [name, rounds + times]));
    const isOver = () => [...wanted].every(([name, rounds]) => (this.rounds.get(name) ?? 0) >= rounds);
    while (!isOver() && this.faults.length === 0) await once(this.news, 'round');
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.workers);
  }

  private work(name: string, act: () => Promise<unknown>): void {
    this.rounds.set(name, 0);
    this.workers.push(this.goOn(name, act));
  }

  private async goOn(name: string, act: () => Promise<unknown>): Promise<void> {
    while (!this.stopped && this.faults.length === 0) {
      try {
        await act();
      } catch (error) {
        this.faults.push(`${name}: ${error}`);
      }
      this.rounds.set(name, (this.rounds.get(name) ?? 0) + 1);
      this.news.emit('round');
    }
  }

  private async ask(agent: HeaderAgent, body: readonly Buffer[] = []): Promise<void> {
    const options = body.length === 0 ? {} : { method: 'POST', body };
    const { status, body: answer } = await request(agent, { port: this.port, path: '/', ...options });
    const [app = '', bytes] = String(answer).split(' ');
    const sent = body.reduce((sum, { length }) => sum + length, 0);
    if (status !== 200 || Number(bytes) !== sent) throw new Error(`${status} ${answer}`);
    this.answeredBy.add(app);
  }

  private async webSocket(): Promise<() => Promise<void>> {
    const createConnection = () => {
      const socket = net.connect({ port: this.port, host: '127.0.0.1', noDelay: true });
      socket.write(HEADER);
      return socket;
    };
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}/`, {
      createConnection: createConnection as typeof net.createConnection,
    });
    this.t.teardown(() => socket.terminate());
    socket.on('close', code => {
      if (!this.stopped) this.faults.push(`a WebSocket was closed: ${code}`);
      this.news.emit('round');
    });
    await once(socket, 'open');
    let count = 0;
    return async () => {
      count += 1;
      socket.send(`${count}`);
      const [answer] = await once(socket, 'message');
      if (String(answer) !== `${count}`) throw new Error(`${answer} came for ${count}`);
    };
  }
}
