/** A picture of the running proxy, made on request: for `/status`, `/readyz` and the gauges that are read at scrape. */

export interface ListenerStatus {
  readonly name: string;
  /** host:port as bound. */
  readonly address: string;
  readonly protocol: 'http' | 'tcp';
  readonly proxyProtocol: 'required' | 'optional' | 'off';
  readonly connectionsOpen: number;
  /** A reload has removed it, or moved it to another address; it is gone when its connections have ended. */
  readonly leaving?: true;
  /** Whether it takes no connections for now, because few files may still be opened. */
  readonly paused: boolean;
  /** How often that has happened. */
  readonly pauses: number;
  /** Since start, counted while connections are open. */
  readonly bytesToBackend: number;
  readonly bytesToClient: number;
}

export interface EndpointStatus {
  /** host:port as configured, or as DNS says. */
  readonly address: string;
  /** `dns:name:port` or `srv:name` that it was found by; undefined: it is configured. */
  readonly origin: string | undefined;
  readonly up: boolean;
  /** Whether it is up, or was found down by as many checks as it takes. */
  readonly settled: boolean;
  readonly draining: boolean;
  /** Exchanges and tunnels under way. */
  readonly active: number;
  /** Pooled idle connections. */
  readonly idle: number;
}

export interface BackendStatus {
  readonly name: string;
  /** Whether the first look-up of one of its DNS names has not ended. */
  readonly lookingUp: boolean;
  readonly endpoints: readonly EndpointStatus[];
}

/** A listener that is gone: its counters stay. */
export type FormerListener = Pick<ListenerStatus, 'name' | 'pauses' | 'bytesToBackend' | 'bytesToClient'>;

export interface ProxyStatus {
  readonly state: 'starting' | 'running' | 'draining' | 'closed';
  /** A name may stand here twice: one that is leaving, and what took its place. */
  readonly listeners: readonly ListenerStatus[];
  /** Left out: none is gone. */
  readonly formerListeners?: readonly FormerListener[];
  readonly backends: readonly BackendStatus[];
}
