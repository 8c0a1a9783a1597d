/** Records as the data plane would tell them, each with what a test cares about laid over. */
import type { ConnectionView, ExchangeRecord, TunnelRecord } from '../../src/observer.js';
import type { RouteSettings } from '../../src/settings.js';

export function connection(over: Partial<ConnectionView> = {}): ConnectionView {
  return {
    id: 7,
    listener: 'chat',
    peer: { address: '10.0.1.20', port: 40001 },
    client: { address: '203.0.113.9', port: 51234 },
    openedAt: 0,
    bytesToBackend: 0,
    bytesToClient: 0,
    ...over,
  };
}

export function exchange(over: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return {
    connection: connection(),
    backend: 'pool',
    endpoint: '127.0.0.1:3000',
    method: 'GET',
    target: '/',
    status: 200,
    code: undefined,
    upgraded: false,
    bytesToBackend: 120,
    bytesToClient: 4096,
    durationMs: 12.345,
    ...over,
  };
}

export function tunnel(over: Partial<TunnelRecord> = {}): TunnelRecord {
  return {
    connection: connection(),
    backend: 'pool',
    endpoint: '127.0.0.1:3000',
    durationMs: 0,
    bytesToBackend: 0,
    bytesToClient: 0,
    code: undefined,
    ...over,
  };
}

export function routes(...backends: string[]): RouteSettings[] {
  return backends.map(backend => ({ host: undefined, path: '/', backend }));
}

/** A stream that keeps what is written to it. */
export class Lines {
  readonly text: string[] = [];
  readonly isTTY: boolean;

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  write(line: string): void {
    this.text.push(line);
  }

  /** Each line as the object it stands for. */
  get objects(): Record<string, unknown>[] {
    return this.text.map(line => JSON.parse(line));
  }
}
