/**
 * One request and its response, from the moment the request head is understood. `README.md` beside this file draws
 * the states. The exchange reads the backend's wire; the client's wire is read by `client-side.ts`, which feeds
 * request bytes in here and is told when the exchange has ended.
 */
import { performance } from 'node:perf_hooks';
import { type Code, causes } from '../codes.js';
import { Held } from '../held.js';
import type { Ask, Lease, LeaseSource, LeaseUser } from '../lease.js';
import type { AffinitySettings } from '../settings.js';
import { isFault, type Wire, type WireReader } from '../wire.js';
import { askFor } from './affinity.js';
import { cookieText, sessionWatch } from './affinity-response.js';
import { BodyRelay } from './body-relay.js';
import { sessionLostText } from './engine-io.js';
import { CHUNKED, type Framing, lengthOf, responseFraming, UNTIL_CLOSE } from './framing.js';
import type { HttpOwner } from './owner.js';
import { replyText, statusOf } from './reply.js';
import type { RequestHead } from './request-head.js';
import { type ResponseHead, scanResponseHead } from './response-head.js';
import { writeInterimHead, writeRequestHead, writeResponseHead, writeTunnelHead } from './write-head.js';

/**
 * What becomes of the client's connection behind an exchange. `keep`: another request may come. `close`: it ends when
 * the client has the response. `cut`: the response is incomplete, as its framing shows. `reset`: incomplete, and only
 * a reset can show it, or nobody takes it.
 */
export type Outcome = 'keep' | 'close' | 'cut' | 'reset';

/** The client's half of the conversation, as an exchange sees it. */
export interface ExchangeClient {
  readonly wire: Wire;
  /** Whether the client has sent so much ahead that nothing is read from it. */
  readonly paused: boolean;
  /** Whether the client has sent FIN: it may be gone, or only be done with asking. */
  readonly ended: boolean;
  /** The exchange can take request body bytes now, or again. */
  bodyWanted(): void;
  /** The exchange is over; it calls nothing on the client afterwards. */
  exchangeOver(outcome: Outcome): void;
  /** The bytes behind the request head that nobody has read, when the connection turns into a tunnel. */
  takeRest(): Buffer;
}

/** Methods that may be sent twice (RFC 9110 9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** 1xx responses that one exchange relays; more are a backend's fault, and a slow client would let them pile up. */
const MAX_INTERIM = 32;

type State = 'leasing' | 'waiting' | 'responding' | 'ended' | 'tunnelled';

export class Exchange implements LeaseUser, WireReader {
  readonly patient = true;
  private state: State = 'leasing';
  private lease: Lease | undefined;
  /** Carries the request body; made when the lease is there. */
  private upload: BodyRelay | undefined;
  /** Carries the response body; made when the response head is there. */
  private download: BodyRelay | undefined;
  private response: ResponseHead | undefined;
  /** The wire that was congested last. */
  private slow: Wire | undefined;
  private readonly held = new Held();
  private status = 0;
  private endpoint: string | undefined;
  private heardFromBackend = false;
  private interimCount = 0;
  /** The backend has asked for the body that the client holds back (`Expect: 100-continue`). */
  private continued = false;
  private closeAfter = false;
  /** The client knows the end of the response only by the end of the connection. */
  private endsByClose = false;
  private readonly backend: string;
  /** As it was when the exchange began: a reload may change it meanwhile. */
  private readonly affinity: AffinitySettings | undefined;
  private readonly startedAt = performance.now();
  private readonly toBackendBefore: number;
  private readonly toClientBefore: number;

  constructor(
    private readonly owner: HttpOwner,
    private readonly client: ExchangeClient,
    private readonly head: RequestHead,
    private readonly source: LeaseSource | undefined,
    /** Whether the client's connection can stay open behind the response. */
    private readonly mayKeep: boolean,
  ) {
    this.backend = source?.name ?? 'none';
    this.affinity = source?.affinity;
    this.toBackendBefore = owner.view.bytesToBackend;
    this.toClientBefore = owner.view.bytesToClient;
  }

  /** Asks for a connection to the backend. */
  start(): void {
    if (this.source === undefined) {
      this.fail('route-missing');
      return;
    }
    this.owner.expectWithin(Number.POSITIVE_INFINITY, 'backend-connect-timeout');
    this.source.lease(this.ask, this.asksForTunnel, this);
  }

  private get ask(): Ask {
    return askFor(this.affinity, this.head, this.owner.view.client.address);
  }

  /** What comes behind the request belongs to no other one: the connection becomes a tunnel or ends. */
  private get asksForTunnel(): boolean {
    return this.head.upgrade || this.head.method === 'CONNECT';
  }

  /** Whether request body bytes are still to come. */
  get requestOpen(): boolean {
    return this.upload === undefined ? hasContent(this.head.framing) : !this.upload.done;
  }

  /** What takes request body bytes now; undefined while nothing does. */
  get intake(): BodyRelay | undefined {
    const { upload } = this;
    return upload?.flowing === true && !upload.done ? upload : undefined;
  }

  /** Whether there is no point in reading from the client: the backend is behind with the request body. */
  get uploadStalled(): boolean {
    return this.upload !== undefined && !this.upload.done && !this.upload.flowing;
  }

  // ---- the lease ----

  get waiting(): boolean {
    return this.state === 'leasing';
  }

  onLease(lease: Lease): void {
    if (this.state !== 'leasing') {
      lease.release(undefined);
      return;
    }
    this.lease = lease;
    this.endpoint = lease.endpoint;
    this.state = 'waiting';
    lease.wire.reader = this;
    this.client.wire.attempt(() => this.sendRequest(lease));
  }

  onLeaseFailed(code: Code, endpoint: string): void {
    if (this.state !== 'leasing') return;
    this.endpoint = endpoint;
    this.client.wire.attempt(() => this.fail(code));
  }

  private sendRequest({ wire, endpoint }: Lease): void {
    const { head, owner } = this;
    const { framing } = head;
    wire.cork();
    owner.sentToBackend(writeRequestHead(wire, head, owner.forwarded, endpoint));
    if (!hasContent(framing)) {
      wire.uncork();
      this.awaitBackend();
      return;
    }
    const sent = (bytes: number) => owner.sentToBackend(bytes);
    const chunked = framing.kind === 'chunked';
    this.upload = new BodyRelay(framing, owner.limits, wire, chunked, sent, head.connectionNames);
    this.awaitBackend();
    this.client.bodyWanted();
    wire.uncork();
    this.upload.settle();
  }

  /** Who owes the next bytes while the response is waited for: the client its body, or the backend. */
  private awaitBackend(): void {
    const { timeouts } = this.owner;
    const invited = () => !this.head.expectsContinue || this.continued || this.upload?.consumed !== 0;
    if (this.requestOpen && invited()) this.owner.expectWithin(timeouts.requestBodyMs, 'body-timeout');
    else this.owner.expectWithin(timeouts.responseMs, 'backend-response-timeout');
  }

  // ---- the client's half ----

  /**
   * Relays request body bytes from offset `from` on.
   * @param upload the {@link intake}
   * @returns the offset behind what was used
   */
  feed(upload: BodyRelay, bytes: Buffer, from: number): number {
    const code = upload.feed(bytes, from);
    upload.settle();
    // What the next request brings of its body will wait for a connection, and be copied.
    if (upload.done) this.client.wire.transferOver();
    if (code !== undefined) this.fail(code);
    else if (this.state === 'waiting') this.awaitUpload(upload);
    return upload.used;
  }

  private awaitUpload(upload: BodyRelay): void {
    if (upload.flowing) this.awaitBackend();
    else this.awaitSlow(this.lease?.wire, 'backend-response-timeout');
  }

  /** Nobody goes on before this wire has taken what is queued for it. */
  private awaitSlow(wire: Wire | undefined, code: Code): void {
    wire?.tookSome();
    this.slow = wire;
    this.owner.expectWithin(this.owner.timeouts.responseMs, code);
  }

  /** The client's wire has taken what was queued: the backend may go on. */
  clientDrained(): void {
    if (this.download !== undefined) this.download.flowing = true;
    this.lease?.wire.resume();
    if (this.state === 'responding') this.expectDownload();
  }

  /** The client is gone, or ended in the middle of its request; or serving it failed by a mistake of ours. */
  abort(code: Code): void {
    this.lease?.discard();
    this.end(code, 'cut');
  }

  /** The connection's deadline has passed. Whoever takes what is queued for it, however slowly, is waited for anew. */
  expired(code: Code): void {
    if (this.slow?.congested === true && this.slow.tookSome()) this.awaitSlow(this.slow, code);
    else this.fail(code);
  }

  // ---- the backend's half ----

  onBytes(bytes: Buffer): void {
    this.heardFromBackend = true;
    const { wire } = this.client;
    wire.cork();
    try {
      this.use(bytes);
    } finally {
      wire.uncork();
    }
    if (this.state === 'responding') this.paceDownload();
  }

  private use(bytes: Buffer): void {
    if (this.held.size === 0) {
      const used = this.digest(bytes);
      if (used < bytes.length && this.active) this.held.append(bytes.subarray(used));
    } else {
      this.held.append(bytes);
      const used = this.digest(this.held.bytes);
      if (this.active) this.held.consume(used);
    }
  }

  private get active(): boolean {
    return this.state !== 'ended' && this.state !== 'tunnelled';
  }

  /** Uses what it can of the backend's bytes; answers how much that was. */
  private digest(bytes: Buffer): number {
    let at = 0;
    while (this.state === 'waiting') {
      const begun = at === 0 ? bytes : bytes.subarray(at);
      const scan = scanResponseHead(begun, this.owner.limits);
      if (scan.kind === 'more') return at;
      if (scan.kind === 'bad') {
        this.fail('backend-response-invalid');
        return bytes.length;
      }
      at += scan.length;
      this.takeHead(scan.head, begun, scan.length);
    }
    return this.state === 'responding' && this.download !== undefined
      ? this.digestBody(this.download, bytes, at)
      : bytes.length;
  }

  /** @param bytes from the first of the head on; it ends at `end` */
  private takeHead(head: ResponseHead, bytes: Buffer, end: number): void {
    const { lease } = this;
    const opens = this.head.method === 'CONNECT' && head.status >= 200 && head.status < 300;
    if (lease !== undefined && (opens || this.isSwitchWanted(head))) this.openTunnel(lease, head, bytes, end);
    else if (head.status === 101) this.fail('backend-upgrade-unasked');
    else if (head.status < 200) this.relayInterim(head, bytes);
    else this.beginResponse(head, bytes, end);
  }

  private relayInterim(head: ResponseHead, bytes: Buffer): void {
    this.interimCount += 1;
    if (this.interimCount > MAX_INTERIM) this.fail('backend-response-invalid');
    else if (this.head.minor === 1) this.owner.sentToClient(writeInterimHead(this.client.wire, head, bytes));
    if (head.status !== 100 || !this.active) return;
    this.continued = true;
    this.awaitBackend();
  }

  private isSwitchWanted(head: ResponseHead): boolean {
    return head.status === 101 && head.minor === 1 && this.head.upgrade && head.upgrades[0] === 'websocket';
  }

  /** Both wires leave HTTP: behind 101, or behind the 2xx that answers CONNECT (RFC 9110 9.3.6). */
  private openTunnel(lease: Lease, head: ResponseHead, bytes: Buffer, end: number): void {
    const { client, owner } = this;
    this.status = head.status;
    lease.judge(true);
    const cookie = cookieText(lease, this.affinity, owner);
    owner.sentToClient(writeTunnelHead(client.wire, head, bytes, cookie));
    this.state = 'tunnelled';
    this.report(undefined);
    owner.becomeTunnel(lease, this.backend, head.status === 101, client.takeRest(), bytes.subarray(end));
  }

  private beginResponse(head: ResponseHead, bytes: Buffer, end: number): void {
    const { client, lease, owner } = this;
    this.response = head;
    this.status = head.status;
    this.state = 'responding';
    const framing = responseFraming(head.status, this.head.method === 'HEAD', head.declared);
    const outward = this.outwardFraming(framing);
    this.closeAfter =
      !this.mayKeep || owner.draining || this.requestOpen || this.asksForTunnel || outward.kind === 'close';
    const connection = this.closeAfter ? 'close' : this.head.minor === 0 ? 'keep-alive' : undefined;
    const cookie = cookieText(lease, this.affinity, owner);
    lease?.judge(true);
    owner.sentToClient(writeResponseHead(client.wire, head, bytes, { framing: outward, connection, cookie }));
    this.endsByClose = outward.kind === 'close';
    const watch = sessionWatch(lease, this.affinity, this.head, head);
    const length = lengthOf(framing);
    if (length === 0 || (watch === undefined && length <= bytes.length - end)) {
      this.relayWhole(bytes, end, length);
      return;
    }
    const sent = (bytes: number) => owner.sentToClient(bytes);
    const chunked = outward.kind === 'chunked';
    this.download = new BodyRelay(framing, owner.limits, client.wire, chunked, sent, head.connectionNames);
    if (watch !== undefined) this.download.watch(watch);
  }

  /** Most responses come in one piece, and nobody need follow such a body. */
  private relayWhole(bytes: Buffer, from: number, length: number): void {
    const end = from + length;
    if (length > 0) {
      this.client.wire.writePart(bytes, from, end);
      this.owner.sentToClient(length);
    }
    this.finish(end === bytes.length);
  }

  /** A body of unknown length is sent as chunks, or until close to a client that knows no chunks. */
  private outwardFraming(framing: Framing): Framing {
    if (framing.kind !== 'chunked' && framing.kind !== 'close') return framing;
    return this.head.minor === 1 ? CHUNKED : UNTIL_CLOSE;
  }

  private digestBody(download: BodyRelay, bytes: Buffer, from: number): number {
    const code = download.feed(bytes, from);
    const { used } = download;
    if (code !== undefined) this.cut('backend-response-invalid');
    else if (download.done) this.finish(used === bytes.length);
    return used;
  }

  /** Slows the backend down to the client's pace. */
  private paceDownload(): void {
    this.download?.settle();
    if (this.download?.flowing === true) {
      this.expectDownload();
      return;
    }
    this.lease?.wire.pause();
    this.awaitSlow(this.client.wire, 'client-stalled');
  }

  /**
   * A response may be silent for as long as `responseBody` says, without end by default. Not so while the client is
   * paused: its reset would not be seen. Nor when it has ended: only a piece that it answers with a reset tells whether
   * it still listens.
   */
  private expectDownload(): void {
    const { ended, paused } = this.client;
    const { responseBodyMs, responseMs } = this.owner.timeouts;
    if (responseBodyMs === 0 && ended) this.owner.expectWithin(responseMs, 'client-aborted');
    else {
      const limit = responseBodyMs === 0 && paused ? responseMs : responseBodyMs;
      this.owner.expectWithin(limit, 'backend-response-stalled');
    }
  }

  /** The client's wire was paused or resumed, or has ended. */
  clientPaced(): void {
    if (this.state === 'responding' && this.download?.flowing === true) this.expectDownload();
  }

  onDrain(): void {
    if (this.upload !== undefined) this.upload.flowing = true;
    if (this.state === 'waiting') this.awaitBackend();
    this.client.bodyWanted();
  }

  onEnd(): void {
    if (this.state === 'responding' && this.download?.untilClose === true) {
      this.download.close();
      this.finish(false);
    } else this.backendGone(undefined);
  }

  onClose(error: Error | undefined): void {
    this.backendGone(error);
  }

  private backendGone(error: Error | undefined): void {
    if (this.state === 'responding') this.cut('backend-response-truncated');
    else if (this.maySendAgain()) this.sendAgain();
    else this.fail(isFault(error) ? 'internal-error' : 'backend-closed');
  }

  /**
   * A connection that was idle may die just when it is used again. Only then, and only when the request can't have
   * had an effect or may have it twice, it is sent once more (RFC 9110 9.2.2).
   */
  private maySendAgain(): boolean {
    if (this.lease?.reused !== true || this.heardFromBackend) return false;
    return IDEMPOTENT.has(this.head.method) && (!hasContent(this.head.framing) || this.upload?.consumed === 0);
  }

  private sendAgain(): void {
    this.lease?.discard();
    this.lease = undefined;
    this.upload = undefined;
    this.state = 'leasing';
    this.owner.expectWithin(Number.POSITIVE_INFINITY, 'backend-connect-timeout');
    this.source?.lease(this.ask, true, this);
  }

  // ---- the end ----

  /** The response is whole. @param clean whether the backend sent nothing behind it */
  private finish(clean: boolean): void {
    const { lease, response } = this;
    const whole = !this.requestOpen;
    const reusable = clean && whole && response?.persistent === true && lease?.wire.usable === true;
    if (reusable && this.download?.untilClose !== true) lease.release(response.keepAliveMs);
    else lease?.discard();
    this.end(undefined, this.closeAfter || !whole ? 'close' : 'keep');
  }

  /** usher answers in the backend's place, or, when the response has begun, cuts it. */
  private fail(code: Code): void {
    if (this.state === 'responding') {
      this.cut(code);
      return;
    }
    if (this.blames(code)) this.lease?.judge(false);
    this.lease?.discard();
    const close = !this.mayKeep || this.requestOpen || this.asksForTunnel || statusOf(code) === 400;
    if (causes[code].status !== undefined) {
      this.status = statusOf(code);
      this.writeToClient(this.replyTextFor(code, close));
    }
    this.end(code, close ? 'close' : 'keep');
  }

  /** Engine.IO, for one, ends an upgrade to a path that isn't its own without a word: every client can make it do so. */
  private blames(code: Code): boolean {
    return BLAMED.has(code) && !(code === 'backend-closed' && this.asksForTunnel);
  }

  private replyTextFor(code: Code, close: boolean): string {
    const toHead = this.head.method === 'HEAD';
    return code === 'session-lost'
      ? sessionLostText(this.head.fields.valueOf('origin'), close, toHead)
      : replyText(code, close, toHead);
  }

  /** A client that takes nothing is not waited for once more: what is queued for it goes, too. */
  private cut(code: Code): void {
    this.lease?.discard();
    this.end(code, this.endsByClose || code === 'client-stalled' ? 'reset' : 'cut');
  }

  private end(code: Code | undefined, outcome: Outcome): void {
    this.state = 'ended';
    this.lease = undefined;
    this.held.clear();
    this.report(code);
    if (code !== undefined && code !== 'client-aborted' && code !== this.owner.endCode)
      this.owner.refused(code, this.endpoint);
    this.client.exchangeOver(outcome);
  }

  private report(code: Code | undefined): void {
    const { owner, head } = this;
    owner.exchangeEnded({
      connection: owner.view,
      backend: this.backend,
      endpoint: this.endpoint,
      method: head.method,
      target: head.target,
      status: this.status,
      code,
      upgraded: this.state === 'tunnelled',
      bytesToBackend: owner.view.bytesToBackend - this.toBackendBefore,
      bytesToClient: owner.view.bytesToClient - this.toClientBefore,
      durationMs: performance.now() - this.startedAt,
    });
  }

  private writeToClient(text: string): void {
    this.client.wire.write(text);
    this.owner.sentToClient(text.length);
  }
}

/** What an endpoint is to blame for: several in a row take it out for a while. */
const BLAMED: ReadonlySet<Code> = new Set(['backend-closed', 'backend-response-invalid', 'backend-upgrade-unasked']);

function hasContent(framing: Framing): boolean {
  return framing.kind === 'chunked' || (framing.kind === 'length' && framing.length > 0);
}
