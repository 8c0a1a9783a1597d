/**
 * A chat server that keeps count: numbered messages to everybody who talks, all the time, and an acknowledgement for each
 * it gets. To who falls silent it falls silent as well, so that no queue grows.
 */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import type { Test } from 'tap';
import { type WebSocket, WebSocketServer } from 'ws';

/** Some larger than a segment, so that a stream can be cut inside one. */
const PADDING = ['', 'x'.repeat(200), 'y'.repeat(5_000)];
const EVERY_MS = 250;
/** What it says of itself for each message that it gets, at most. */
const TALKATIVE = 3;

export interface DrainServer {
  readonly port: number;
  /** By client, what the server has got from it. */
  readonly got: ReadonlyMap<string, ReadonlySet<number>>;
  /** Codes of the Close frames that clients sent. */
  readonly codes: ReadonlyMap<number, number>;
  /** Ends as an application that was told to: it closes its WebSockets and accepts nobody. */
  stop(): void;
}

/** `ws` on /ws/NAME, Socket.IO beside it. */
export async function startDrainServer(t: Test): Promise<DrainServer> {
  const got = new Map<string, Set<number>>();
  const codes = new Map<number, number>();
  const server = http.createServer();
  const io = new Server(server, { serveClient: false });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const name = /^\/ws\/(.*)$/.exec(request.url ?? '')?.[1];
    if (name === undefined) return;
    sockets.handleUpgrade(request, socket, head, member => serve(member, name));
  });
  const serve = (member: WebSocket, name: string): void => {
    let sent = 0;
    let due = 0;
    const timer = setInterval(() => {
      if (due === 0) return;
      due -= 1;
      member.send(`${sent}:${PADDING[sent % PADDING.length]}`);
      sent += 1;
    }, EVERY_MS);
    member.on('message', data => {
      due = TALKATIVE;
      note(got, name, Number(data.toString()));
      member.send(`ack:${data}`);
    });
    member.on('error', () => {});
    member.on('close', code => {
      clearInterval(timer);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    });
  };
  io.on('connection', socket => {
    socket.on('say', (name: string, number: number, answer: () => void) => {
      note(got, name, number);
      answer();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    for (const member of sockets.clients) member.terminate();
    await io.close();
    server.closeAllConnections();
  });
  const stop = () => {
    for (const member of sockets.clients) member.close(1001);
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, got, codes, stop };
}

function note(got: Map<string, Set<number>>, name: string, number: number): void {
  const numbers = got.get(name) ?? new Set();
  numbers.add(number);
  got.set(name, numbers);
}
