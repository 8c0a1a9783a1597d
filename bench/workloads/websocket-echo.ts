/** Messages sent one after another on open WebSockets, each when the last has come back. */
import type { Socket } from 'node:net';
import { EchoCheck } from '../load/echo-check.js';
import { frame, openWebSocket } from '../load/websocket.js';
import type { Subject } from '../subject.js';
import { metered, type Work, type Workload } from './workload.js';

const CONNECTIONS = 50;

function echo(name: string, bytes: number): Workload {
  const payload = Buffer.alloc(bytes, 'usher');
  const sent = frame(payload, true);
  const expected = frame(payload, false);
  return {
    name,
    title: `WebSocket echo: ${bytes} bytes to and fro on ${CONNECTIONS} connections`,
    unit: 'echo',
    units: 'echoes',
    headline: 'cpu',
    direct: true,
    run: async (subject, { seconds }) => {
      const talk = new Talk(sent, expected);
      await talk.open(subject);
      const figures = await metered(subject, () => talk.run(seconds));
      talk.close();
      return figures;
    },
  };
}

export const ws64 = echo('ws64', 64);
export const ws4k = echo('ws4k', 4096);

/** All WebSockets of one measurement. */
class Talk {
  private readonly sockets: Socket[] = [];
  private units = 0;
  private errors = 0;
  /** Sockets whose echo is still to come. */
  private waiting = 0;
  private until = 0;
  private done: () => void = () => {};

  constructor(
    private readonly sent: Buffer,
    private readonly expected: Buffer,
  ) {}

  open(subject: Subject): Promise<unknown> {
    return Promise.all(Array.from({ length: CONNECTIONS }, () => this.openOne(subject)));
  }

  /** Resolves when the time is over and all echoes have come back. */
  run(seconds: number): Promise<Work> {
    this.until = performance.now() + seconds * 1000;
    this.waiting = this.sockets.length;
    return new Promise(resolve => {
      this.done = () => resolve({ units: this.units, errors: this.errors });
      for (const socket of this.sockets) socket.write(this.sent);
    });
  }

  close(): void {
    this.done = () => {};
    for (const socket of this.sockets) socket.destroy();
  }

  private openOne(subject: Subject): Promise<void> {
    const check = new EchoCheck(this.expected);
    return new Promise((resolve, reject) => {
      const socket = openWebSocket(subject, {
        onOpen: () => {
          this.sockets.push(socket);
          resolve();
        },
        onBytes: bytes => this.take(check.take(bytes), check.right, socket),
        onClose: opened => (opened ? this.lost() : reject(new Error(`${subject.name} refused a WebSocket`))),
      });
    });
  }

  private take(complete: number, right: boolean, socket: Socket): void {
    // A closed one counts as an error.
    if (!right || complete > 1) socket.destroy();
    else if (complete === 1) {
      this.units += 1;
      if (performance.now() < this.until) socket.write(this.sent);
      else this.finish();
    }
  }

  private lost(): void {
    this.errors += 1;
    this.finish();
  }

  private finish(): void {
    this.waiting -= 1;
    if (this.waiting === 0) this.done();
  }
}
