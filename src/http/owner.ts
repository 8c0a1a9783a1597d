/** What the http room needs of the corridor: the connection as its owner sees it. */
import type { Code } from '../codes.js';
import type { Lease, LeaseSource } from '../lease.js';
import type { ConnectionView, ExchangeRecord } from '../observer.js';
import type { ListenerLimits, ListenerTimeouts } from '../settings.js';
import type { ForwardedFields } from './write-head.js';

export interface HttpOwner {
  readonly view: ConnectionView;
  readonly limits: ListenerLimits;
  readonly timeouts: ListenerTimeouts;
  /** Methods that are answered 501 and never forwarded. */
  readonly refusedMethods: ReadonlySet<string>;
  readonly forwarded: ForwardedFields;
  /** Whether the client came to the balancer by https. */
  readonly secure: boolean;
  /** Whether every response from now on should end its connection. */
  readonly draining: boolean;
  /** Why usher has ended the whole connection, once it has. */
  readonly endCode: Code | undefined;
  /** No request is under way: whatever a reload has changed counts from here on. */
  renew(): void;
  /** The backend for a request; undefined when no route matches. */
  route(host: string | undefined, target: string): LeaseSource | undefined;
  /** The connection ends with `code` unless it is told otherwise within `ms`; 0 or Infinity: no limit. */
  expectWithin(ms: number, code: Code): void;
  sentToBackend(bytes: number): void;
  sentToClient(bytes: number): void;
  /** @param endpoint the one that failed, where one did */
  refused(code: Code, endpoint?: string): void;
  exchangeEnded(exchange: ExchangeRecord): void;
  /** Both wires leave HTTP; the rests are what had already come in behind the two heads (borrowed). */
  becomeTunnel(lease: Lease, backend: string, websocket: boolean, fromClient: Buffer, fromBackend: Buffer): void;
}
