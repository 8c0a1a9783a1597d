/**
 * The corridor: what happens to a connection from accept to close, in the order of this file. It is the one place
 * that knows every room, and the one owner of both wires; the rooms don't know each other.
 *
 *   accept ─► trust ─► PROXY header ─► http: exchanges ─► (101) tunnel
 *                                   └► tcp: dial ───────────► tunnel
 */
import { performance } from 'node:perf_hooks';
import type { SocketAddress } from './address.js';
import type { Code } from './codes.js';
import { Held } from './held.js';
import { clientKey } from './http/affinity.js';
import { ClientSide } from './http/client-side.js';
import type { HttpOwner } from './http/owner.js';
import { matchRoute } from './http/route.js';
import { ForwardedFields } from './http/write-head.js';
import type { Lease, LeaseSource, LeaseUser } from './lease.js';
import type { Deadlines } from './limits/deadlines.js';
import { isTrusted } from './listener/trust.js';
import type { ConnectionView, ExchangeRecord, HeaderVersion, Observer, ProbeKind, TunnelRecord } from './observer.js';
import { decodeProxyHeader } from './proxy-header/decode.js';
import type { Ends } from './proxy-header/encode.js';
import { forwardedHeader } from './proxy-header/forward.js';
import type { ProxyHeader } from './proxy-header/header.js';
import { sniff } from './proxy-header/sniff.js';
import { sslOf } from './proxy-header/tlv.js';
import type { ListenerLimits, ListenerSettings, ListenerTimeouts } from './settings.js';
import type { Timed } from './timed.js';
import type { Transport, TransportEnd } from './transport.js';
import { Tunnel, type TunnelOwner } from './tunnel/tunnel.js';
import { isFault, Wire, type WireOwner, type WireReader } from './wire.js';

/** What the connections of one listener share. */
export interface Hall {
  /** For what begins from now on: a reload replaces it, and {@link backends} with it. */
  readonly settings: ListenerSettings;
  /** The port as bound. */
  readonly port: number;
  readonly backends: ReadonlyMap<string, LeaseSource>;
  readonly observer: Observer;
  readonly deadlines: Deadlines;
  readonly draining: boolean;
  /** Whether WebSockets are followed frame by frame, so that they can be closed between two. */
  readonly followsFrames: boolean;
  bytesToBackend: number;
  bytesToClient: number;
  /** The connection is over: both wires are gone. Called once. */
  left(connection: Connection): void;
}

const NOTHING = Buffer.alloc(0);
const HTTPS_PORT = 443;
/** How long a connection without a PROXY header is waited for once usher drains. */
const LATE_HEADER_MS = 1_000;

/** The tunnel's place in the corridor, and what its record needs. */
interface OpenTunnel {
  readonly tunnel: Tunnel;
  readonly lease: Lease;
  readonly backend: string;
  readonly openedAt: number;
  readonly toBackendBefore: number;
  readonly toClientBefore: number;
}

export class Connection implements ConnectionView, WireReader, WireOwner, LeaseUser, HttpOwner, TunnelOwner, Timed {
  readonly listener: string;
  readonly openedAt = performance.now();
  readonly peer: SocketAddress;
  client: SocketAddress;
  bytesToBackend = 0;
  bytesToClient = 0;
  deadlineAt = Number.POSITIVE_INFINITY;

  private readonly wire: Wire;
  private deadlineCode: Code = 'header-timeout';
  private header: ProxyHeader | undefined;
  private headerSettled = false;
  private probe: ProbeKind | undefined;
  private readonly held = new Held();
  private http: ClientSide | undefined;
  private open: OpenTunnel | undefined;
  endCode: Code | undefined;
  private clientGone = false;
  private forwardedFields: ForwardedFields | undefined;
  /**
   * As they were at the accept, until the PROXY header is settled; as they were when the request began, or the tunnel.
   * A reload changes nothing for what is under way.
   */
  private settings: ListenerSettings;
  /** The backend that a connection of `protocol: tcp` waits for. */
  private awaited = 'none';

  constructor(
    readonly id: number,
    transport: Transport,
    private readonly hall: Hall,
  ) {
    this.settings = hall.settings;
    this.listener = hall.settings.name;
    this.peer = addressOf(transport.remote);
    this.client = this.peer;
    this.wire = new Wire(transport, this, this);
  }

  // ---- 1. accept and trust ----

  /** Begins; the socket was accepted in this tick. */
  enter(): void {
    this.tell(observer => observer.connectionOpened(this));
    this.hall.deadlines.add(this);
    this.wire.attempt(() => this.beginHeader());
  }

  private beginHeader(): void {
    const { settings } = this;
    if (settings.proxyProtocol === 'off') this.settleHeader('none', NOTHING);
    else if (settings.proxyProtocol === 'required' && !this.peerIsTrusted()) this.refuseStranger();
    else this.expectWithin(settings.timeouts.proxyHeaderMs, 'header-timeout');
  }

  /** A peer without an address left before it was accepted: that is a probe, and there is nobody to refuse. */
  private refuseStranger(): void {
    if (this.peer.address === '') this.wire.destroy();
    else this.refuse('source-untrusted');
  }

  /** Ends a connection before anything was read from it. */
  turnAway(code: Code): void {
    this.tell(observer => observer.connectionOpened(this));
    this.refuse(code);
  }

  private peerIsTrusted(): boolean {
    return isTrusted(this.settings.trustedSources, this.peer.address);
  }

  // ---- 2. the PROXY header: until it is settled, the connection reads its own wire ----

  onBytes(bytes: Buffer): void {
    if (this.headerSettled) this.keepForTunnel(bytes);
    else if (this.held.size > 0) {
      this.held.append(bytes);
      this.readHeader(this.held.bytes);
    } else if (this.readHeader(bytes) === 'more') this.held.append(bytes);
  }

  private readHeader(bytes: Buffer): 'more' | 'settled' {
    const { settings } = this;
    const decoded = decodeProxyHeader(bytes, settings.limits.proxyHeaderBytes);
    if (decoded.kind === 'more') return 'more';
    if (decoded.kind === 'header') {
      if (settings.proxyProtocol === 'optional' && !this.peerIsTrusted()) this.refuse('source-untrusted');
      else this.takeHeader(decoded.header, bytes.subarray(decoded.length));
    } else if (decoded.code === 'header-missing' && settings.proxyProtocol === 'optional') {
      this.settleHeader('none', bytes);
    } else this.refuse(decoded.code, decoded.code === 'header-missing' ? sniff(bytes) : undefined);
    return 'settled';
  }

  private takeHeader(header: ProxyHeader, rest: Buffer): void {
    this.header = header;
    if (header.source !== undefined) this.client = header.source;
    if (header.command === 'LOCAL') this.seeProbe('local');
    else if (header.version === 1 && isSelfProbe(header)) this.seeProbe('self');
    this.settleHeader(header.version === 1 ? 'v1' : 'v2', rest);
  }

  /** The question of the header is answered; what came behind it goes on. */
  private settleHeader(version: HeaderVersion, rest: Buffer): void {
    this.headerSettled = true;
    this.held.clear();
    const command = this.header?.command ?? 'none';
    this.tell(observer => observer.headerSettled(this, version, command));
    this.renew();
    if (this.settings.protocol === 'http') this.beginHttp(rest);
    else this.beginTcp(rest);
  }

  onEnd(): void {
    if (this.headerSettled) return;
    if (this.held.size === 0) this.wire.end();
    else this.refuse('header-truncated');
  }

  onDrain(): void {}

  onClose(error: Error | undefined): void {
    if (this.endCode !== undefined) return;
    if (isFault(error)) this.note('internal-error');
    else if (!this.headerSettled && this.held.size > 0) this.note('header-truncated');
  }

  // ---- 3a. http: the client side takes the wire over and asks back for what it needs ----

  private beginHttp(rest: Buffer): void {
    this.http = new ClientSide(this, this.wire);
    this.wire.reader = this.http;
    this.http.begin(rest);
  }

  get view(): ConnectionView {
    return this;
  }

  renew(): void {
    if (this.settings === this.hall.settings) return;
    this.settings = this.hall.settings;
    this.forwardedFields = undefined;
  }

  get limits(): ListenerLimits {
    return this.settings.limits;
  }

  get timeouts(): ListenerTimeouts {
    return this.settings.timeouts;
  }

  get refusedMethods(): ReadonlySet<string> {
    return this.settings.refusedMethods;
  }

  get draining(): boolean {
    return this.hall.draining;
  }

  get secure(): boolean {
    return this.proto() === 'https';
  }

  /** Who the client is, in the words that every request of the connection carries. */
  get forwarded(): ForwardedFields {
    const { settings } = this;
    this.forwardedFields ??= new ForwardedFields({
      client: this.client,
      proto: this.proto(),
      port: this.destinationPort,
      forwarded: settings.forwarded,
    });
    return this.forwardedFields;
  }

  /** The scheme that the client spoke to the balancer. */
  private proto(): 'http' | 'https' {
    const { forwardedProto } = this.settings;
    if (forwardedProto !== 'auto') return forwardedProto;
    // What a LOCAL header says is about the balancer itself (PP 2.2).
    const ssl = this.header === undefined || this.header.command === 'LOCAL' ? undefined : sslOf(this.header);
    const secure = ssl === undefined ? this.destinationPort === HTTPS_PORT : (ssl.client & SSL_BIT) !== 0;
    return secure ? 'https' : 'http';
  }

  private get destinationPort(): number {
    return this.header?.destination?.port ?? this.hall.port;
  }

  route(host: string | undefined, target: string): LeaseSource | undefined {
    const name = matchRoute(this.settings.routes, host, target);
    return name === undefined ? undefined : this.hall.backends.get(name);
  }

  exchangeEnded(exchange: ExchangeRecord): void {
    this.tell(observer => observer.exchangeEnded(exchange));
  }

  refused(code: Code, endpoint?: string): void {
    this.tell(observer => observer.refused(this, code, endpoint));
  }

  // ---- 3b. tcp: one dial, and what comes meanwhile waits ----

  private beginTcp(rest: Buffer): void {
    this.expectWithin(Number.POSITIVE_INFINITY, 'backend-connect-timeout');
    if (rest.length > 0) this.keepForTunnel(rest);
    const source = this.route(undefined, '/');
    if (source === undefined) this.refuse('route-missing');
    else {
      const { address } = this.client;
      this.awaited = source.name;
      source.lease({ client: address, key: clientKey(address), session: undefined }, true, this);
    }
  }

  private keepForTunnel(bytes: Buffer): void {
    this.held.append(bytes);
    this.wire.pause();
  }

  get waiting(): boolean {
    return !this.clientGone && !this.wire.destroyed;
  }

  onLease(lease: Lease): void {
    if (!this.waiting) {
      lease.discard();
      return;
    }
    this.wire.attempt(() => {
      this.sendHeader(lease);
      this.becomeTunnel(lease, this.awaited, false, this.held.bytes, NOTHING);
    });
    // By a mistake of ours nobody took it.
    if (this.open === undefined) lease.discard();
  }

  /** Who the client is, to a backend that reads PROXY headers itself; nobody else uses a connection that carries one. */
  private sendHeader({ wire }: Lease): void {
    const { sendProxyProtocol } = this.settings;
    if (sendProxyProtocol === undefined) return;
    const header = forwardedHeader(sendProxyProtocol, this.header, this.ends);
    wire.write(header);
    this.sentToBackend(header.length);
  }

  /** Of the connection itself; undefined for a peer that was gone before it was accepted, and has no address any more. */
  private get ends(): Ends | undefined {
    const destination = addressOf(this.wire.transport.local);
    return this.peer.address === '' || destination.address === '' ? undefined : { source: this.peer, destination };
  }

  onLeaseFailed(code: Code, endpoint: string): void {
    if (!this.clientGone) this.refuse(code, endpoint);
  }

  // ---- 4. the tunnel ----

  becomeTunnel(lease: Lease, backend: string, websocket: boolean, fromClient: Buffer, fromBackend: Buffer): void {
    this.http = undefined;
    this.forwardedFields = undefined;
    this.header = undefined;
    const tunnel = new Tunnel(this.wire, lease.wire, this, websocket && this.hall.followsFrames);
    const open = {
      tunnel,
      lease,
      backend,
      openedAt: performance.now(),
      toBackendBefore: this.bytesToBackend,
      toClientBefore: this.bytesToClient,
    };
    this.open = open;
    this.tell(observer => observer.tunnelOpened(this.tunnelRecord(open)));
    this.expectWithin(this.timeouts.tunnelMs, 'tunnel-idle');
    tunnel.open(fromClient, fromBackend);
    this.held.clear();
  }

  /** Runs for every piece of data, so it reads the time of the last sweep and not the clock. */
  tunnelActive(): void {
    if (this.deadlineAt !== Number.POSITIVE_INFINITY)
      this.deadlineAt = this.hall.deadlines.now + this.timeouts.tunnelMs;
  }

  /** The other side gets as long as any slow reader to take what is queued for it. */
  tunnelHalfGone(): void {
    this.open?.tunnel.tookSome();
    this.expectWithin(this.timeouts.responseMs, 'client-stalled');
  }

  tunnelGone(): void {
    const { open } = this;
    if (open === undefined) return;
    open.lease.settle();
    this.tell(observer => observer.tunnelClosed(this.tunnelRecord(open)));
    this.leaveWhenOver();
  }

  private tunnelRecord(open: OpenTunnel): TunnelRecord {
    return {
      connection: this,
      backend: open.backend,
      endpoint: open.lease.endpoint,
      durationMs: performance.now() - open.openedAt,
      bytesToBackend: this.bytesToBackend - open.toBackendBefore,
      bytesToClient: this.bytesToClient - open.toClientBefore,
      code: this.endCode,
    };
  }

  /** Whether this is a WebSocket that nobody is closing. */
  get closable(): boolean {
    return this.open?.tunnel.closable === true;
  }

  /** Ends a WebSocket with these frames, between two messages of its backend. */
  closeWebSocket(frames: Buffer): void {
    this.wire.attempt(() => this.open?.tunnel.close(frames));
  }

  tunnelClosed(): void {
    this.note('drain-closed');
  }

  /** A message that does not end is not waited for any longer. */
  pressClose(): void {
    this.wire.attempt(() => this.open?.tunnel.press());
  }

  // ---- for every part of the way ----

  sentToBackend(bytes: number): void {
    this.bytesToBackend += bytes;
    this.hall.bytesToBackend += bytes;
  }

  sentToClient(bytes: number): void {
    this.bytesToClient += bytes;
    this.hall.bytesToClient += bytes;
  }

  expectWithin(ms: number, code: Code): void {
    this.deadlineAt = ms === 0 ? Number.POSITIVE_INFINITY : this.hall.deadlines.in(ms);
    this.deadlineCode = code;
  }

  onDeadline(): void {
    this.deadlineAt = Number.POSITIVE_INFINITY;
    this.wire.attempt(() => this.passDeadline());
  }

  private passDeadline(): void {
    if (this.http !== undefined) this.http.expired(this.deadlineCode);
    else if (this.headerSettled || this.settings.proxyProtocol === 'required') this.expired();
    else if (this.hasSignature()) this.refuse('header-timeout');
    else this.settleHeader('none', Buffer.from(this.held.bytes));
  }

  /** Whether a PROXY header has begun beyond doubt: a slow one must not pass for none. */
  private hasSignature(): boolean {
    const opening = sniff(this.held.bytes);
    return opening === 'proxy-v1' || opening === 'proxy-v2';
  }

  private expired(): void {
    if (this.deadlineCode === 'client-stalled' && this.open?.tunnel.tookSome() === true) this.tunnelHalfGone();
    else if (this.headerSettled || this.held.size > 0) this.refuse(this.deadlineCode);
    else this.wire.destroy();
  }

  private seeProbe(kind: ProbeKind): void {
    this.probe = kind;
    this.tell(observer => observer.probeSeen(this, kind));
  }

  /** An observer that throws costs this connection and no other. */
  private tell(act: (observer: Observer) => void): void {
    this.wire.attempt(() => act(this.hall.observer));
  }

  // ---- 5. the end ----

  /** Ends the connection ourselves, and says why. */
  private refuse(code: Code, detail?: string): void {
    this.note(code, detail);
    this.destroy();
  }

  private note(code: Code, detail?: string): void {
    this.endCode = code;
    this.tell(observer => observer.refused(this, code, detail));
  }

  /**
   * Ends a connection that is between two requests; the others end when their exchange or tunnel does. One whose
   * header is still awaited may have a request on its way: it is served, but not waited for as long as usual.
   */
  drain(): void {
    if (this.http !== undefined) this.http.drain();
    else if (!this.headerSettled) this.deadlineAt = Math.min(this.deadlineAt, this.hall.deadlines.in(LATE_HEADER_MS));
  }

  /** Ends both sides at once. @param code why, when it is usher's doing */
  destroy(code?: Code): void {
    if (code !== undefined && (this.endCode === undefined || this.endCode === 'drain-closed')) this.note(code);
    this.open?.tunnel.destroy();
    this.wire.destroy();
  }

  wireClosed(): void {
    this.clientGone = true;
    const silent = this.http === undefined ? this.open === undefined && this.held.size === 0 : this.http.silent;
    if (silent && this.probe === undefined && this.endCode === undefined) this.seeProbe('empty');
    this.leaveWhenOver();
  }

  private leaveWhenOver(): void {
    if (!this.clientGone || (this.open !== undefined && !this.open.tunnel.gone)) return;
    this.hall.deadlines.delete(this);
    this.tell(observer => observer.connectionClosed(this));
    this.hall.left(this);
  }
}

/** PP2_CLIENT_SSL: the client came over TLS (PP 2.2.6). */
const SSL_BIT = 0x01;

/** A CLB's health check names the balancer as source and destination. */
function isSelfProbe({ source, destination }: ProxyHeader): boolean {
  return source !== undefined && source.address === destination?.address;
}

const MAPPED = '::ffff:';

/** In canonical text: without the zone of a link-local address, mapped IPv4 as IPv4; empty when it is gone. */
function addressOf(end: TransportEnd | undefined): SocketAddress {
  if (end === undefined) return { address: '', port: 0 };
  const [address = ''] = end.address.split('%', 1);
  const mapped = address.startsWith(MAPPED) && address.includes('.');
  return { address: mapped ? address.slice(MAPPED.length) : address, port: end.port };
}
