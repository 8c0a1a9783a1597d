/**
 * What the data plane is told: plain immutable values with every default filled in and every name resolved.
 * `control/config` makes them from a file or from flags; nothing here knows about either.
 * Durations are milliseconds, sizes are bytes.
 */
import type { Cidr } from './address.js';

/** An address to bind, port 0 lets the system choose (tests only; configuration refuses it). */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** One host:port of a backend. */
export interface EndpointSettings {
  readonly host: string;
  readonly port: number;
}

export interface BackendSettings {
  readonly name: string;
  readonly endpoints: readonly EndpointSettings[];
  readonly balance: 'round-robin' | 'least-connections' | 'hash';
  /** What `hash` hashes. */
  readonly affinity: 'client-ip' | undefined;
  readonly timeouts: {
    /** From the dial until the TCP connection stands. */
    readonly connectMs: number;
    /** How long an idle pooled connection is kept; below the backend's own keep-alive time. */
    readonly idleMs: number;
  };
  readonly limits: {
    /** Idle pooled connections kept per endpoint. */
    readonly idleConnections: number;
  };
  /** How often an endpoint's TCP port is tried, for `/readyz` and `usher_endpoint_up`. */
  readonly checkIntervalMs: number;
}

/** Requests whose path begins with `path` (and whose host is `host`, when given) go to `backend`. */
export interface RouteSettings {
  /** Lower case, without port; left out: any host. */
  readonly host: string | undefined;
  readonly path: string;
  readonly backend: string;
}

export interface ListenerTimeouts {
  /** From accept to the last byte of the PROXY header, in total. */
  readonly proxyHeaderMs: number;
  /** From the first byte of a request head (or the accept) to its last, in total. */
  readonly requestHeadMs: number;
  /** A client connection between two requests. */
  readonly keepAliveMs: number;
  /** Between two pieces of a request body. */
  readonly requestBodyMs: number;
  /** From the end of the request to the response head. */
  readonly responseMs: number;
  /** Between two pieces of a response body; 0: no limit. */
  readonly responseBodyMs: number;
  /** A tunnel without a byte in either direction; 0: no limit. */
  readonly tunnelMs: number;
}

export interface ListenerLimits {
  readonly connections: number;
  /** Whole PROXY header, bytes. */
  readonly proxyHeaderBytes: number;
  readonly startLineBytes: number;
  /** Start line and header fields together, bytes. */
  readonly headBytes: number;
  readonly headFields: number;
  readonly requestsPerConnection: number;
}

export interface ListenerSettings {
  readonly name: string;
  readonly listen: ListenAddress;
  readonly protocol: 'http' | 'tcp';
  readonly proxyProtocol: 'required' | 'optional' | 'off';
  /** Peers whose PROXY header is believed; undefined: any peer. */
  readonly trustedSources: readonly Cidr[] | undefined;
  /** In the order in which they are tried: with a host before without, longer path first. At least one. */
  readonly routes: readonly RouteSettings[];
  /** Methods that are answered 501 and never forwarded. */
  readonly refusedMethods: ReadonlySet<string>;
  /** Whether RFC 7239 `Forwarded` is sent to the backend. */
  readonly forwarded: boolean;
  /** `auto`: https when the PROXY header says so (SSL TLV, or destination port 443), else http. */
  readonly forwardedProto: 'auto' | 'http' | 'https';
  readonly timeouts: ListenerTimeouts;
  readonly limits: ListenerLimits;
}

export interface Settings {
  readonly listeners: readonly ListenerSettings[];
  readonly backends: readonly BackendSettings[];
  readonly admin: { readonly listen: ListenAddress } | undefined;
  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error';
    readonly access: boolean;
    readonly format: 'auto' | 'json' | 'pretty';
  };
  readonly drain: {
    /** How long connections may take to end by themselves before they are destroyed. */
    readonly timeoutMs: number;
  };
}
