/** Many WebSockets at a time. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Subject } from '../subject.js';
import { openWebSocket } from './websocket.js';

/** So many connect in one turn of the event loop; then answers are read. */
const AT_ONCE = 250;

export class Crowd {
  /** Milliseconds from connect to 101 of each that opened. */
  readonly opening: number[] = [];
  /** Closed, or never open, though nobody here closed them. */
  lost = 0;
  private readonly sockets = new Set<Socket>();
  private expected = 0;
  private arrived: () => void = () => {};

  constructor(private readonly subject: Subject) {}

  /** Opens so many more as fast as possible; resolves when each is open or lost. */
  async gather(count: number): Promise<void> {
    this.expected += count;
    const all = new Promise<void>(resolve => {
      this.arrived = resolve;
    });
    for (let i = 1; i <= count; i += 1) {
      this.openOne();
      if (i % AT_ONCE === 0) await turn();
    }
    await all;
  }

  /** Closes all; resolves when they are closed. */
  async dismiss(): Promise<void> {
    const closing = [...this.sockets].filter(socket => !socket.closed).map(socket => once(socket.destroy(), 'close'));
    this.sockets.clear();
    await Promise.all(closing);
  }

  private openOne(): void {
    const startedAt = performance.now();
    const socket = openWebSocket(this.subject, {
      onOpen: () => {
        this.opening.push(performance.now() - startedAt);
        this.count();
      },
      onBytes: () => socket.destroy(),
      onClose: opened => {
        // Those that `dismiss` closes are no longer in the set.
        if (!this.sockets.delete(socket)) return;
        this.lost += 1;
        if (!opened) this.count();
      },
    });
    this.sockets.add(socket);
  }

  private count(): void {
    this.expected -= 1;
    if (this.expected === 0) this.arrived();
  }
}
