/**
 * An endpoint with sessions in its memory: Socket.IO as it comes, and everything else answered with the endpoint's own
 * name. Run as a program it writes its port, and can be killed as nothing in this process can.
 */
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { Server } from 'socket.io';
import type { Test } from 'tap';
import { WebSocketServer } from 'ws';
import { type Program, startProgram } from './peer-program.js';

/** Engine.IO's name for "Session ID unknown". */
const UNKNOWN_SID = 1;

export class SessionServer {
  /** Requests that named a session of another server: each one is what affinity is there to prevent. */
  unknown = 0;
  /** Of sessions that were opened here: a poll may be overtaken by the end of its session. */
  private readonly sids = new Set<string>();
  readonly server = http.createServer((_, response) => response.end(this.name));
  readonly io = new Server(this.server, { serveClient: false });

  constructor() {
    this.io.engine.on('connection', ({ id }: { readonly id: string }) => this.sids.add(id));
    this.io.engine.on('connection_error', ({ code, req }: { readonly code: number; readonly req: IncomingMessage }) => {
      const sid = new URL(req.url ?? '', 'http://localhost').searchParams.get('sid');
      if (code === UNKNOWN_SID && !this.sids.has(`${sid}`)) this.unknown += 1;
    });
    this.io.on('connection', socket => {
      socket.on('echo', (value: unknown, answer: (value: unknown) => void) => answer(value));
      socket.on('where', (answer: (name: string) => void) => answer(this.name));
    });
    const rooms = new WebSocketServer({ noServer: true });
    this.server.on('upgrade', (request, socket, head) => {
      if (!request.url?.startsWith('/room/')) return;
      rooms.handleUpgrade(request, socket, head, member => member.send(this.name));
    });
  }

  /** How many sessions were opened here, all in all. */
  get opened(): number {
    return this.sids.size;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** As usher calls it. */
  get name(): string {
    return `127.0.0.1:${this.port}`;
  }

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** Ends all sessions, and answers the polls that wait. */
  endSessions(): void {
    this.io.engine.close();
  }

  async close(): Promise<void> {
    await this.io.close();
    this.server.closeAllConnections();
  }
}

export async function startSessionServers(t: Test, count: number): Promise<SessionServer[]> {
  const servers = Array.from({ length: count }, () => new SessionServer());
  for (const server of servers) {
    await server.listen();
    t.teardown(() => server.close());
  }
  return servers;
}

export interface MortalServer {
  readonly name: string;
  readonly port: number;
  readonly program: Program;
}

/** The same in processes of their own. */
export function startMortalServers(t: Test, count: number): Promise<MortalServer[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const program = startProgram(t, process.execPath, [fileURLToPath(import.meta.url)]);
      await program.until(() => program.stdout.includes('\n'));
      const port = Number(program.stdout);
      return { name: `127.0.0.1:${port}`, port, program };
    }),
  );
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const server = new SessionServer();
  await server.listen();
  process.stdout.write(`${server.port}\n`);
}
