/**
 * A backend connection that is lent to one exchange or tunnel: how the corridor passes what the backend room has
 * to the http room without either knowing the other.
 */
import type { Code } from './codes.js';
import type { Wire } from './wire.js';

/** A connection to an endpoint, lent out. Exactly one of `release` and `discard` ends the loan. */
export interface Lease {
  readonly wire: Wire;
  /** host:port as configured. */
  readonly endpoint: string;
  /** Whether the connection carried an exchange before, so that it may have died while it was idle. */
  readonly reused: boolean;
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
  onLease(lease: Lease): void;
  onLeaseFailed(code: Code, endpoint: string): void;
}

/** A backend as an exchange or a tunnel sees it. */
export interface LeaseSource {
  readonly name: string;
  /**
   * Lends a connection to one of the backend's endpoints: an idle one at once, or a new one when it stands.
   * `fresh`: never an idle one. `client`: canonical client address, for the pick.
   */
  lease(client: string, fresh: boolean, user: LeaseUser): void;
}
