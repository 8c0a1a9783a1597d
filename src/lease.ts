/**
 * A backend connection that is lent to one exchange or tunnel: how the corridor passes what the backend room has
 * to the http room without either knowing the other.
 */
import type { Code } from './codes.js';
import type { AffinitySettings } from './settings.js';
import type { Wire } from './wire.js';

/** Who asks for a connection, as far as the choice of an endpoint goes. */
export interface Ask {
  /** Canonical address of the client. */
  readonly client: string;
  /** What belongs together has the same key and gets the same endpoint; undefined: the balance decides alone. */
  readonly key: string | undefined;
  /**
   * Names the endpoint of an earlier request: the `sid` of a Socket.IO session, or the value of usher's cookie. A browser
   * may send several of that name: they stand here in their order, with a space between two.
   */
  readonly session: string | undefined;
}

/** A connection to an endpoint, lent out. Exactly one of `release` and `discard` ends the loan. */
export interface Lease {
  readonly wire: Wire;
  /** host:port as configured. */
  readonly endpoint: string;
  /** Whether the connection carried an exchange before, so that it may have died while it was idle. */
  readonly reused: boolean;
  /** The value of the affinity cookie that the client should get; undefined: none, or it has it. */
  readonly cookie: string | undefined;
  /** Session `id` lives on this endpoint; it is forgotten when it was not asked for within `aliveMs`. */
  learn(id: string, aliveMs: number): void;
  /** Whether the endpoint has answered, or closed or sent rubbish instead: several of those in a row take it out. */
  judge(answered: boolean): void;
  /**
   * Gives the connection back for the next exchange. `keepAliveMs`: how long the backend said it keeps it, when it
   * said so.
   */
  release(keepAliveMs: number | undefined): void;
  /** Closes the connection; whatever is queued on it is dropped. */
  discard(): void;
  /** Ends the loan of a connection that closes by itself (a tunnel that has ended). */
  settle(): void;
}

/** Who asked for a connection. One of the two is called, once, at the earliest inside the call that asks. */
export interface LeaseUser {
  /** Whether a connection is still of use: the client may leave while one is waited for. */
  readonly waiting: boolean;
  onLease(lease: Lease): void;
  onLeaseFailed(code: Code, endpoint: string): void;
}

/** A backend as an exchange or a tunnel sees it. */
export interface LeaseSource {
  readonly name: string;
  /** How requests that belong together are told. */
  readonly affinity: AffinitySettings | undefined;
  /**
   * Lends a connection to one of the backend's endpoints: an idle one at once, or a new one when it stands. When none
   * can be reached, that may take as long as the backend holds requests back. `fresh`: never an idle one.
   */
  lease(ask: Ask, fresh: boolean, user: LeaseUser): void;
}
