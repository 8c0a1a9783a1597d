/**
 * How the data plane tells what it does, to whoever watches from the side. The data plane calls these methods and
 * never looks at what they do; metrics and the access log are implementations in `observe/`.
 */
import type { SocketAddress } from './address.js';
import type { Code } from './codes.js';

/** Which end of the PROXY header's life a connection showed; `none`: proxy protocol is off or no header came. */
export type HeaderVersion = 'v1' | 'v2' | 'none';
export type HeaderCommand = 'PROXY' | 'LOCAL' | 'UNKNOWN' | 'none';

/**
 * `empty`: connected and closed without a byte; `local`: a LOCAL header and nothing else behind it, or a request that
 * an NLB health check sends; `self`: a v1 header whose source is its destination, as a CLB health check sends.
 */
export type ProbeKind = 'empty' | 'local' | 'self';

/** One accepted connection as observers see it: a live view, valid until `connectionClosed` returns. */
export interface ConnectionView {
  readonly id: number;
  readonly listener: string;
  /** Who opened the TCP connection. */
  readonly peer: SocketAddress;
  /** Whom the PROXY header names; the peer until a header says otherwise. */
  readonly client: SocketAddress;
  /** `performance.now()` at accept. */
  readonly openedAt: number;
  /** Bytes written so far, in each direction. */
  readonly bytesToBackend: number;
  readonly bytesToClient: number;
}

/** One request and its response, told once, when it has ended (for an upgrade: when 101 was relayed). */
export interface ExchangeRecord {
  readonly connection: ConnectionView;
  /** Backend name; `none` where no backend was chosen. */
  readonly backend: string;
  /** host:port that answered or was tried; undefined where none was. */
  readonly endpoint: string | undefined;
  /** As received: may hold anything a strict head parser lets through. Undefined where the head was not understood. */
  readonly method: string | undefined;
  readonly target: string | undefined;
  /** Status sent to the client; 0 where the client got none. */
  readonly status: number;
  /** Why usher ended or answered it itself. */
  readonly code: Code | undefined;
  readonly upgraded: boolean;
  readonly bytesToBackend: number;
  readonly bytesToClient: number;
  readonly durationMs: number;
}

/** A relay: after 101, or a whole `protocol: tcp` connection. */
export interface TunnelRecord {
  readonly connection: ConnectionView;
  readonly backend: string;
  readonly endpoint: string;
  /** Zero until it closes. */
  readonly durationMs: number;
  readonly bytesToBackend: number;
  readonly bytesToClient: number;
  readonly code: Code | undefined;
}

export interface Observer {
  connectionOpened(connection: ConnectionView): void;
  /** Once for each `connectionOpened`. */
  connectionClosed(connection: ConnectionView): void;
  /** Once the question of the header is settled: found, or not expected, or (optional) not there. */
  headerSettled(connection: ConnectionView, version: HeaderVersion, command: HeaderCommand): void;
  /**
   * usher ended the connection or answered the request itself. `detail` is from a closed set (what the first bytes
   * looked like, which endpoint failed), never bytes from the network.
   */
  refused(connection: ConnectionView, code: Code, detail?: string): void;
  probeSeen(connection: ConnectionView, kind: ProbeKind): void;
  exchangeEnded(exchange: ExchangeRecord): void;
  tunnelOpened(tunnel: TunnelRecord): void;
  tunnelClosed(tunnel: TunnelRecord): void;
  /** A dial ended; `code` undefined: connected. */
  dialEnded(backend: string, endpoint: string, durationMs: number, code: Code | undefined): void;
  /** An endpoint that was up is down, or the other way round. `why`: the system's code (`ECONNREFUSED`) or `timeout`. */
  endpointChanged(backend: string, endpoint: string, up: boolean, why?: string): void;
  /** A name of a backend can't be looked up (`why`), or can be again (undefined). */
  lookupSettled(backend: string, name: string, why: string | undefined): void;
}
