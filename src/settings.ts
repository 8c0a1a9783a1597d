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
  /** Its share of what is balanced, relative to the others; at least 1. */
  readonly weight: number;
}

/**
 * Endpoints by DNS, looked up again and again. `address`: every A and AAAA record of `name`, on `port`. `srv`: every SRV
 * record, with the port and the weight that it gives.
 */
export type DnsSettings =
  | { readonly kind: 'address'; readonly name: string; readonly port: number; readonly weight: number }
  | { readonly kind: 'srv'; readonly name: string };

/**
 * What keeps requests that belong together on one endpoint. Names of headers are lower case. `path`: a pattern such as
 * `/room/:id`. `cookie`: usher sets it; the secret signs its values, left out: one of this process. `socket.io`: the `sid`
 * of a session, whose requests come to `path`.
 */
export type AffinitySettings =
  | { readonly kind: 'client-ip' }
  | { readonly kind: 'cookie'; readonly name: string; readonly secret: string | undefined }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'query'; readonly name: string }
  | { readonly kind: 'path'; readonly pattern: string }
  | { readonly kind: 'socket.io'; readonly path: string };

export interface HealthCheckSettings {
  /** A GET of this path that is answered with one of these statuses; undefined: a TCP connection is enough. */
  readonly http:
    | { readonly path: string; readonly host: string | undefined; readonly statuses: readonly number[] }
    | undefined;
  /** Between two checks, give or take a tenth. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Checks in a row that must pass before an endpoint is up again. */
  readonly rise: number;
  /** Checks in a row that must fail before an endpoint is down. */
  readonly fall: number;
}

export interface BackendSettings {
  readonly name: string;
  readonly endpoints: readonly EndpointSettings[];
  readonly dns: readonly DnsSettings[];
  readonly balance: 'round-robin' | 'least-connections' | 'hash';
  readonly affinity: AffinitySettings | undefined;
  /**
   * How much more than its share of what is under way an endpoint may have before `hash` passes on to the next one: 1.25
   * is a quarter more; undefined: no bound.
   */
  readonly loadBound: number | undefined;
  readonly healthCheck: HealthCheckSettings;
  /** How long the share of an endpoint that came up grows to its full size; 0: at once. */
  readonly slowStartMs: number;
  /** How long a new request waits for an endpoint when none can be reached; 0: not at all. */
  readonly holdForMs: number;
  /** What usher's own checks send first, because the endpoints expect a PROXY header. */
  readonly checkHeader: 'v1' | 'v2' | undefined;
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
  /** `protocol: tcp`: the PROXY header that goes to the backend in front of everything else; undefined: none. */
  readonly sendProxyProtocol: { readonly version: 'v1' | 'v2'; readonly uniqueId: boolean } | undefined;
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
  readonly drain: DrainSettings;
}

/** How usher stops. */
export interface DrainSettings {
  /** From the signal on, in total: what is open then is destroyed. */
  readonly timeoutMs: number;
  /** How long new connections are still accepted: balancers send some long after they were told not to. */
  readonly deregisterDelayMs: number;
  /** Behind that, the time over which WebSockets are closed, one after the other at an even rate. */
  readonly closeOverMs: number;
  /** Whether `/readyz` says no from the signal on. */
  readonly failReadiness: boolean;
  /**
   * What a WebSocket is told at its end: a Close frame, Engine.IO's own goodbye in front of it, or nothing (it is left to
   * end by itself, and frames are not followed).
   */
  readonly style: 'close-frame' | 'socket.io' | 'none';
  /** Of the Close frame (RFC 6455 7.4). */
  readonly code: number;
  readonly reason: string;
}
