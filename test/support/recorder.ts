/** An observer that remembers, and on which a test can wait. */
import { EventEmitter, once } from 'node:events';
import type { Code } from '../../src/codes.js';
import type { ConnectionView, ExchangeRecord, Observer, ProbeKind, TunnelRecord } from '../../src/observer.js';

export class Recorder extends EventEmitter implements Observer {
  opened = 0;
  closed = 0;
  readonly headers: string[] = [];
  readonly refusals: { code: Code; detail: string | undefined }[] = [];
  readonly probes: ProbeKind[] = [];
  readonly exchanges: ExchangeRecord[] = [];
  readonly tunnels: TunnelRecord[] = [];
  readonly closedTunnels: TunnelRecord[] = [];
  readonly dials: (Code | undefined)[] = [];
  /** `127.0.0.1:3000 up`, in order. */
  readonly changes: string[] = [];
  /** Lookups that failed, and that work again: `chat.test: A ESERVFAIL, AAAA ESERVFAIL`. */
  readonly lookups: string[] = [];

  connectionOpened(): void {
    this.opened += 1;
    this.emit('change');
  }

  connectionClosed(_connection: ConnectionView): void {
    this.closed += 1;
    this.emit('change');
  }

  headerSettled(connection: ConnectionView, version: string, command: string): void {
    this.headers.push(`${version} ${command} ${connection.client.address}`);
    this.emit('change');
  }

  refused(_connection: ConnectionView, code: Code, detail?: string): void {
    this.refusals.push({ code, detail });
    this.emit('change');
  }

  probeSeen(_connection: ConnectionView, kind: ProbeKind): void {
    this.probes.push(kind);
    this.emit('change');
  }

  exchangeEnded(exchange: ExchangeRecord): void {
    this.exchanges.push(exchange);
    this.emit('change');
  }

  tunnelOpened(tunnel: TunnelRecord): void {
    this.tunnels.push(tunnel);
    this.emit('change');
  }

  tunnelClosed(tunnel: TunnelRecord): void {
    this.closedTunnels.push(tunnel);
    this.emit('change');
  }

  dialEnded(_backend: string, _endpoint: string, _ms: number, code: Code | undefined): void {
    this.dials.push(code);
    this.emit('change');
  }

  endpointChanged(_backend: string, endpoint: string, up: boolean): void {
    this.changes.push(`${endpoint} ${up ? 'up' : 'down'}`);
    this.emit('change');
  }

  lookupSettled(_backend: string, name: string, why: string | undefined): void {
    this.lookups.push(`${name}: ${why ?? 'recovered'}`);
    this.emit('change');
  }

  get codes(): Code[] {
    return this.refusals.map(refusal => refusal.code);
  }

  /** Resolves as soon as `holds` does; looked at whenever something is observed. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this, 'change');
  }

  /** Every connection that was opened is closed. */
  atRest(): Promise<void> {
    return this.until(() => this.opened === this.closed);
  }
}
