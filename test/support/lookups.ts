/** Lookups of names that a test sets off. */
import { EventEmitter, once } from 'node:events';
import type { ResolverOptions } from '../../src/backend/resolver.js';
import type { DnsServer } from './dns-server.js';

/** Asks the test's name server, and again when the test says so. */
export class Lookups {
  readonly options: ResolverOptions;
  private readonly next: (() => void)[] = [];
  private readonly news = new EventEmitter();

  constructor(server: DnsServer) {
    this.options = {
      servers: [server.address],
      lookup: () => Promise.reject(new Error('the system is not asked')),
      later: act => {
        this.next.push(act);
        this.news.emit('ended');
        return () => {};
      },
    };
  }

  /** Resolves when so many names have been looked up. */
  async ended(count: number): Promise<void> {
    while (this.next.length < count) await once(this.news, 'ended');
  }

  /** Looks every name up once more, to the end. */
  async again(): Promise<void> {
    const acts = this.next.splice(0);
    for (const act of acts) act();
    await this.ended(acts.length);
  }
}
