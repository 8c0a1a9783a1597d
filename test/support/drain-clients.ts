/**
 * Clients of the drain test: each talks all the time, and when it is closed it comes back to another usher at once, says
 * there what was not acknowledged, and one thing more. They say something new only when the last is acknowledged, so that
 * a busy machine makes them slower and not their queues longer.
 */
import { type Socket as IoSocket, io, type ManagerOptions, type SocketOptions } from 'socket.io-client';
import { WebSocket } from 'ws';

const SAY_EVERY_MS = 500;

export interface Ending {
  readonly code: number;
  readonly reason: string;
  /** `performance.now()`. */
  readonly at: number;
}

/** One `ws` client. What it says is said again until it is acknowledged. */
export class Talker {
  /** How its first connection ended. */
  ending: Ending | undefined;
  /** What went wrong in the order of the server's messages. */
  readonly faults: string[] = [];
  said = 0;
  readonly acknowledged = new Set<number>();
  private socket: WebSocket;
  private expected = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    readonly name: string,
    first: number,
    private readonly second: number,
    private readonly changed: () => void,
  ) {
    this.socket = this.connect(first);
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  get settled(): boolean {
    return this.acknowledged.size === this.said;
  }

  /** Talks from now on, until it is closed. */
  talk(): void {
    this.timer ??= setInterval(() => this.say(), SAY_EVERY_MS);
  }

  private comeBack(): void {
    clearInterval(this.timer);
    this.say();
  }

  leave(): void {
    clearInterval(this.timer);
    this.socket.removeAllListeners('close');
    this.socket.terminate();
  }

  private connect(port: number): WebSocket {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/${this.name}`, { perMessageDeflate: false });
    this.expected = 0;
    socket.on('open', () => {
      for (let number = 0; number < this.said; number += 1)
        if (!this.acknowledged.has(number)) socket.send(`${number}`);
      if (this.ending !== undefined) this.comeBack();
      this.changed();
    });
    socket.on('message', data => this.hear(data.toString()));
    socket.on('error', () => {});
    socket.on('close', (code, reason) => {
      this.ending ??= { code, reason: reason.toString(), at: performance.now() };
      this.socket = this.connect(this.second);
      this.changed();
    });
    return socket;
  }

  private say(): void {
    if (!this.isOpen || !this.settled) return;
    this.socket.send(`${this.said}`);
    this.said += 1;
  }

  private hear(text: string): void {
    const [head = '', rest = ''] = text.split(':');
    if (head === 'ack') {
      this.acknowledged.add(Number(rest));
      if (this.settled) this.changed();
    } else {
      if (Number(head) !== this.expected) this.faults.push(`${head} came for ${this.expected}`);
      this.expected += 1;
    }
  }
}

/** One Socket.IO client, whose second connection is Socket.IO's own. */
export class IoTalker {
  ending: Ending | undefined;
  said = 0;
  acknowledged = 0;
  connections = 0;
  private readonly socket: IoSocket;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    readonly name: string,
    port: number,
    private readonly second: number,
    private readonly changed: () => void,
  ) {
    const options: Partial<ManagerOptions & SocketOptions> = {
      forceNew: true,
      transports: ['websocket'],
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      retries: 50,
      ackTimeout: 2_000,
    };
    this.socket = io(`http://127.0.0.1:${port}`, options);
    this.socket.on('connect', () => {
      this.connections += 1;
      if (this.ending !== undefined) this.comeBack();
      this.watch();
      this.changed();
    });
  }

  get isOpen(): boolean {
    return this.socket.connected;
  }

  get settled(): boolean {
    return this.acknowledged === this.said;
  }

  talk(): void {
    this.timer ??= setInterval(() => this.say(), SAY_EVERY_MS);
  }

  private comeBack(): void {
    clearInterval(this.timer);
    this.say();
  }

  leave(): void {
    clearInterval(this.timer);
    this.socket.disconnect();
  }

  /** The WebSocket's own end, which Socket.IO only calls "transport close"; the next connection goes to the other usher. */
  private watch(): void {
    this.socket.io.engine.once('close', (_reason, details) => {
      const event = (details as { readonly context?: Pick<Ending, 'code' | 'reason'> } | undefined)?.context;
      this.ending ??= { code: event?.code ?? 0, reason: `${event?.reason}`, at: performance.now() };
      (this.socket.io as unknown as { uri: string }).uri = `http://127.0.0.1:${this.second}`;
      this.changed();
    });
  }

  private say(): void {
    if (!this.settled) return;
    const number = this.said;
    this.said += 1;
    this.socket.emit('say', this.name, number, (error: unknown) => {
      if (error) return;
      this.acknowledged += 1;
      if (this.settled) this.changed();
    });
  }
}
