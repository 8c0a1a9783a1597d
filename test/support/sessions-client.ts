/** Socket.IO's own client for Node, whose requests come over connections that a test chooses the address of. */
import http from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { io, type Socket } from 'socket.io-client';

export interface SessionKind {
  readonly name: string;
  /** Whether the client goes over to a WebSocket; else it polls to the end. */
  readonly upgrade: boolean;
  readonly keepAlive: boolean;
}

const KINDS: readonly SessionKind[] = [
  { name: 'polling, a connection for each request', upgrade: false, keepAlive: false },
  { name: 'polling, connections kept', upgrade: false, keepAlive: true },
  { name: 'polling and a WebSocket, a connection for each request', upgrade: true, keepAlive: false },
  { name: 'polling and a WebSocket, connections kept', upgrade: true, keepAlive: true },
];

/** The kinds take turns. */
export function kindOf(n: number): SessionKind {
  const kind = KINDS[n % KINDS.length];
  if (kind === undefined) throw new Error('there are kinds');
  return kind;
}

/** The `n`th of some 60,000 addresses of this machine. */
export function addressOf(n: number): string {
  return `127.${1 + (Math.floor(n / 62_500) % 250)}.${Math.floor(n / 250) % 250}.${2 + (n % 250)}`;
}

/** Opens every connection from the address that `from` gives, and knows when none is in use. */
export class SessionAgent extends http.Agent {
  opened = 0;
  private over = false;
  private told: (() => void) | undefined;
  private readonly open = new Set<net.Socket>();

  constructor(
    keepAlive: boolean,
    private readonly from: () => string,
  ) {
    super({ keepAlive });
    this.on('free', () => this.look());
  }

  override createConnection(options: http.ClientRequestArgs): Duplex {
    // The client takes ECONNRESET on a kept connection for a reason to ask again, whatever has ended.
    if (this.over) {
      const never = new net.Socket();
      setImmediate(() => never.destroy(new Error('the test is over')));
      return never;
    }
    this.opened += 1;
    const target = { port: Number(options.port), host: '127.0.0.1', noDelay: true, localAddress: this.from() };
    const socket = net.connect(target);
    this.open.add(socket);
    return socket.once('close', () => {
      this.open.delete(socket);
      this.look();
    });
  }

  /** Resolves when no request is under way any more, and closes what is idle. */
  async end(): Promise<void> {
    if (this.busy) {
      await new Promise<void>(resolve => {
        this.told = resolve;
      });
    }
    this.cut();
  }

  /** Closes everything at once, also what has left the agent's books by an upgrade. */
  cut(): void {
    this.over = true;
    for (const socket of this.open) socket.destroy();
  }

  private get busy(): boolean {
    return Object.keys(this.sockets).length > 0 || Object.keys(this.requests).length > 0;
  }

  /** The agent's own books are in order only a turn later. */
  private look(): void {
    setImmediate(() => {
      if (!this.busy) this.told?.();
    });
  }
}

/** Why a session broke: what the server said of it, where it said something. */
function causeOf(reason: unknown, details?: unknown): Error {
  const { context } = (details ?? reason ?? {}) as { readonly context?: { readonly responseText?: unknown } };
  const text = context?.responseText;
  return new Error(typeof text === 'string' && text.startsWith('{') ? text : String(reason));
}

/** Rejects as soon as the session breaks. */
function broken(socket: Socket): Promise<never> {
  return new Promise((_, reject) => {
    socket.once('connect_error', error => reject(causeOf(error)));
    socket.once('disconnect', (reason, details) => reject(causeOf(reason, details)));
    socket.io.once('open', () => {
      socket.io.engine.once('upgradeError', error => reject(causeOf(`upgrade: ${error.message}`)));
    });
  });
}

export function connected(socket: Socket): Promise<void> {
  return new Promise(resolve => socket.once('connect', resolve));
}

/** Resolves when the client speaks over its WebSocket. */
export function upgraded({ io: { engine } }: Socket): Promise<void> {
  return new Promise(resolve => {
    if (engine.transport.name === 'websocket') resolve();
    else engine.once('upgrade', () => resolve());
  });
}

export function clientOf(port: number, { upgrade }: SessionKind, agent: SessionAgent, reconnection = false): Socket {
  return io(`http://127.0.0.1:${port}`, {
    transports: upgrade ? ['polling', 'websocket'] : ['polling'],
    // The types know the agents of browsers only; Node's are handed on to http.request.
    agent: agent as unknown as string,
    forceNew: true,
    reconnection,
    reconnectionDelay: 1,
    reconnectionDelayMax: 10,
  });
}

const text = 'Grüße aus der letzten Reihe 🎭';

async function talk(socket: Socket, { upgrade }: SessionKind): Promise<void> {
  await connected(socket);
  await echo(socket, text);
  if (!upgrade) return;
  await upgraded(socket);
  await echo(socket, `over the WebSocket: ${text}`);
}

async function echo(socket: Socket, value: string): Promise<void> {
  const answer: unknown = await socket.emitWithAck('echo', value);
  if (answer !== value) throw new Error(`not the echo of ${value}: ${answer}`);
}

export interface SessionsReport {
  /** Sessions that came to their end. */
  whole: number;
  /** TCP connections that all of them opened. */
  connections: number;
  /** How many sessions broke, by kind and cause. */
  readonly broken: Record<string, number>;
}

async function haveSession(port: number, kind: SessionKind, agent: SessionAgent): Promise<void> {
  const socket = clientOf(port, kind, agent);
  try {
    await Promise.race([talk(socket, kind), broken(socket)]);
  } catch (error) {
    agent.cut();
    throw error;
  } finally {
    socket.disconnect();
  }
  await agent.end();
}

const AT_A_TIME = 50;

/**
 * Has `count` sessions of all kinds in turn, 50 of them at a time, each from its handshake to its end.
 * @param from where connection `n` of session `session` comes from
 */
export async function haveSessions(
  port: number,
  count: number,
  from: (session: number, n: number) => string,
): Promise<SessionsReport> {
  const report: SessionsReport = { whole: 0, connections: 0, broken: {} };
  let begun = 0;
  const work = async () => {
    while (begun < count) {
      const session = begun;
      begun += 1;
      const kind = kindOf(session);
      let n = 0;
      const agent = new SessionAgent(kind.keepAlive, () => from(session, n++));
      try {
        await haveSession(port, kind, agent);
        report.whole += 1;
      } catch (error) {
        const cause = `${kind.name}: ${error instanceof Error ? error.message : error}`;
        report.broken[cause] = (report.broken[cause] ?? 0) + 1;
      }
      report.connections += agent.opened;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return report;
}
