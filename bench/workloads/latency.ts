/** How much later an answer comes because there is a proxy, when nobody is in a hurry. */
import { SMALL_ANSWER } from '../answers.js';
import { HttpConnection } from '../load/http-connection.js';
import { monotonicMs } from '../load/monotonic.js';
import { pace } from '../load/pacer.js';
import { percentile } from '../statistics.js';
import type { Subject } from '../subject.js';
import { metered, type Work, type Workload } from './workload.js';

const CONNECTIONS = 20;
const PER_SECOND = 1000;
const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: chat.example.com\r\n\r\n');

export const latency: Workload = {
  name: 'latency',
  title: `latency at ${PER_SECOND} requests/s on ${CONNECTIONS} connections, from when each was due`,
  unit: 'request',
  units: 'requests',
  headline: 'cpu',
  direct: true,
  run: async (subject, { seconds }) => {
    const steady = new SteadyLoad(subject);
    await steady.open();
    // How many there are a second is given.
    const { perSecond: _, ...figures } = await metered(subject, () => steady.run(seconds));
    steady.close();
    const sorted = steady.latencies.toSorted((a, b) => a - b);
    const [p50, p99, p999] = [50, 99, 99.9].map(percent => percentile(sorted, percent)) as [number, number, number];
    return { ...figures, p50, p99, p999 };
  },
  compare: (figures, direct) => ({
    added50: (figures.p50 ?? 0) - (direct.p50 ?? 0),
    added99: (figures.p99 ?? 0) - (direct.p99 ?? 0),
    added999: (figures.p999 ?? 0) - (direct.p999 ?? 0),
  }),
};

/** Requests that are due whether or not the earlier ones have been answered. */
class SteadyLoad {
  /** Milliseconds from when a request was due to its whole answer. */
  readonly latencies: number[] = [];
  private errors = 0;
  private readonly idle: HttpConnection[];
  /** When those were due for which no connection is idle. */
  private readonly waiting: number[] = [];
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly subject: Subject) {
    this.idle = Array.from({ length: CONNECTIONS }, () => new HttpConnection(subject));
  }

  /** Resolves when every connection has carried an exchange that nobody counts. */
  open(): Promise<unknown> {
    return Promise.all(this.idle.map(connection => connection.exchange(REQUEST)));
  }

  async run(seconds: number): Promise<Work> {
    await pace(1000 / PER_SECOND, seconds * PER_SECOND, due => {
      this.waiting.push(due);
      this.sendWhatCanBe();
    });
    while (this.running.size > 0) await Promise.all(this.running);
    return { units: this.latencies.length, errors: this.errors };
  }

  close(): void {
    for (const connection of this.idle) connection.destroy();
  }

  /** In turn on all connections. */
  private sendWhatCanBe(): void {
    while (this.waiting.length > 0 && this.idle.length > 0) {
      const [due, connection] = [this.waiting.shift(), this.idle.shift()];
      if (due === undefined || connection === undefined) return;
      const sent = this.send(due, connection).finally(() => this.running.delete(sent));
      this.running.add(sent);
    }
  }

  private async send(due: number, connection: HttpConnection): Promise<void> {
    if ((await connection.exchange(REQUEST)) && connection.response.is(SMALL_ANSWER)) {
      this.latencies.push(monotonicMs() - due);
      this.idle.push(connection);
    } else {
      this.errors += 1;
      connection.destroy();
      this.idle.push(new HttpConnection(this.subject));
    }
    this.sendWhatCanBe();
  }
}
