/**
 * The client's side of an HTTP connection: reads request heads, one exchange at a time, keeps what came too early,
 * and ends the connection so that the client can read the last response.
 */
import { performance } from 'node:perf_hooks';
import type { Code } from '../codes.js';
import { Held } from '../held.js';
import { isFault, type Wire, type WireReader } from '../wire.js';
import { Exchange, type ExchangeClient, type Outcome } from './exchange.js';
import { LF } from './grammar.js';
import type { HttpOwner } from './owner.js';
import { replyText, statusOf } from './reply.js';
import { type RequestHead, scanRequestHead } from './request-head.js';

/**
 * How long a closing connection may go without progress. Closing at once would send RST when the client is still
 * sending, and RST can destroy a response before the client has read it (RFC 9112 9.6).
 */
const LINGER_MS = 5_000;
/** How long a client that has been sent everything may go on sending, however much (nginx's `lingering_time`). */
const LINGER_TOTAL_MS = 30_000;

const SMALL_RESPONSE_BYTES = 16 * 1024;

/** What a client may send ahead of the exchange that runs, before it is paused; bytes, and one read more. */
const AHEAD_BYTES = 16 * 1024;

const EMPTY_LINE = Buffer.from('\r\n');

export class ClientSide implements WireReader, ExchangeClient {
  /** Whether the client has not sent a byte. */
  silent = true;
  private exchange: Exchange | undefined;
  private readonly held = new Held();
  private requests = 0;
  /** The client has said that it sends nothing more (RFC 9112 9.6). */
  private lastRequest = false;
  private toClientBefore = 0;
  /** The client has sent FIN. */
  ended = false;
  private closing = false;
  /** While true the bytes at hand are being used, and whoever asks for more gets it when the loop comes round. */
  private busy = false;
  private headOpen = false;
  /** Nothing is read from the client, because it is too far ahead of us. */
  paused = false;
  /** When a closing client sent the last bytes, and when something was last queued for it; `performance.now()`. */
  private heardAt = Number.NEGATIVE_INFINITY;
  private queuedAt = 0;
  private stalledMs = 0;

  constructor(
    private readonly owner: HttpOwner,
    readonly wire: Wire,
  ) {}

  /** @param rest what had come in behind the PROXY header */
  begin(rest: Buffer): void {
    this.owner.expectWithin(this.owner.timeouts.requestHeadMs, 'head-timeout');
    if (rest.length > 0) this.onBytes(rest);
  }

  // ---- the client's wire ----

  onBytes(bytes: Buffer): void {
    this.silent = false;
    if (this.closing) this.heardAt = performance.now();
    else if (this.held.size > 0) this.onMoreBytes(bytes);
    else {
      this.busy = true;
      const used = this.consume(bytes);
      this.busy = false;
      if (used < bytes.length && !this.closing) this.held.append(bytes.subarray(used));
      this.settle();
    }
  }

  private onMoreBytes(bytes: Buffer): void {
    const before = this.held.size;
    this.held.append(bytes);
    // A head is looked at again only when a line has ended or a limit is passed: single bytes must not cost a scan each.
    const { startLineBytes, headBytes } = this.owner.limits;
    const passed = (limit: number) => before <= limit && this.held.size > limit;
    if (this.exchange !== undefined || bytes.includes(LF) || passed(startLineBytes) || passed(headBytes)) this.pump();
  }

  private pump(): void {
    this.busy = true;
    const used = this.consume(this.held.bytes);
    this.busy = false;
    if (this.closing) this.held.clear();
    else this.held.consume(used);
    this.settle();
  }

  /** Uses what it can of the client's bytes; answers how much that was. */
  private consume(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length && !this.closing) {
      const before = at;
      if (this.exchange === undefined) {
        // A client that reads no responses must not make us queue more of them.
        if (this.wire.congested) return at;
        at += this.takeHead(at === 0 ? bytes : bytes.subarray(at));
      } else {
        const { intake } = this.exchange;
        if (intake !== undefined) at = this.exchange.feed(intake, bytes, at);
      }
      if (at === before) return at;
    }
    return at;
  }

  private takeHead(bytes: Buffer): number {
    this.owner.renew();
    const scan = scanRequestHead(bytes, this.owner.limits, this.owner.refusedMethods);
    if (scan.kind === 'more') return 0;
    if (scan.kind === 'bad') {
      this.refuse(scan.code);
      return bytes.length;
    }
    this.beginExchange(scan.head);
    return scan.length;
  }

  private beginExchange(head: RequestHead): void {
    const { owner } = this;
    this.requests += 1;
    this.headOpen = false;
    // HTTP/1.0 clients close without a word, and some of them send an empty line behind a body (RFC 9112 2.2).
    this.lastRequest = head.minor === 1 && head.connectionNames.includes('close');
    this.toClientBefore = owner.view.bytesToClient;
    const mayKeep = head.persistent && !owner.draining && this.requests < owner.limits.requestsPerConnection;
    const exchange = new Exchange(owner, this, head, owner.route(head.host, head.target), mayKeep);
    this.exchange = exchange;
    exchange.start();
  }

  /** After every use of bytes: pause a client that is ahead of us, or set the deadline for what it owes. */
  private settle(): void {
    if (this.closing) return;
    this.pace();
    const { exchange } = this;
    if (exchange !== undefined) {
      const over = this.ended && exchange.requestOpen && (exchange.intake !== undefined || this.held.size === 0);
      if (over) this.leave();
    } else if (this.paused) this.awaitSlow();
    else this.awaitRequest();
  }

  /** Reads on, or stops reading from a client that is ahead of us. */
  private pace(): void {
    const ahead = this.isAhead();
    if (ahead === this.paused) return;
    this.paused = ahead;
    if (ahead) this.wire.pause();
    else this.wire.resume();
    this.exchange?.clientPaced();
  }

  /**
   * A client that is paused can't be seen leaving, so a little of what comes too early is read and kept.
   */
  private isAhead(): boolean {
    const { exchange } = this;
    if (exchange === undefined) return this.held.size > 0 && this.wire.congested;
    return exchange.uploadStalled || (this.held.size > AHEAD_BYTES && exchange.intake === undefined);
  }

  private awaitRequest(): void {
    this.owner.renew();
    const { timeouts } = this.owner;
    if (this.ended || (this.owner.draining && this.betweenRequests)) this.close();
    else if (this.betweenRequests) this.owner.expectWithin(timeouts.keepAliveMs, 'head-timeout');
    else if (!this.headOpen) {
      this.headOpen = true;
      this.owner.expectWithin(timeouts.requestHeadMs, 'head-timeout');
    }
  }

  /** The client ended in the middle of its request. */
  private leave(): void {
    this.exchange?.abort('client-aborted');
    this.wire.destroy();
  }

  onEnd(): void {
    this.ended = true;
    this.exchange?.clientPaced();
    this.settle();
  }

  onDrain(): void {
    if (this.exchange !== undefined) this.exchange.clientDrained();
    else if (this.held.size > 0) this.pump();
  }

  onClose(error: Error | undefined): void {
    if (this.exchange !== undefined) {
      this.exchange.abort(isFault(error) ? 'internal-error' : (this.owner.endCode ?? 'client-aborted'));
    } else if (isFault(error)) this.owner.refused('internal-error');
  }

  // ---- the exchange ----

  bodyWanted(): void {
    if (!this.busy) this.pump();
  }

  exchangeOver(outcome: Outcome): void {
    const whole = this.exchange?.requestOpen !== true;
    this.exchange = undefined;
    if (outcome === 'reset') this.wire.reset();
    else if (outcome === 'cut') this.cut();
    else if (outcome === 'close') this.closeBehindResponse(whole);
    // We are inside an event of the backend's wire, and a mistake from here on is not its own.
    else if (!this.busy) this.wire.attempt(() => this.pump());
  }

  takeRest(): Buffer {
    this.exchange = undefined;
    const rest = this.held.bytes;
    this.held.clear();
    return rest;
  }

  // ---- the end ----

  /** The deadline that was set last has passed. */
  expired(code: Code): void {
    if (this.closing) this.lingered();
    else if (this.exchange !== undefined) this.exchange.expired(code);
    else if (this.paused) this.expiredSlow();
    else if (this.betweenRequests) this.close();
    else this.refuse(code);
  }

  /** No further request before the client has taken the responses to those before. */
  private awaitSlow(): void {
    this.wire.tookSome();
    this.owner.expectWithin(this.owner.timeouts.responseMs, 'client-stalled');
  }

  private expiredSlow(): void {
    if (this.wire.tookSome()) this.awaitSlow();
    else this.stalled();
  }

  /** Ends a connection that waits for a request; one with an exchange ends behind it. */
  drain(): void {
    if (this.exchange === undefined && this.betweenRequests && !this.closing) this.close();
  }

  /** Nothing of a request is there: an empty line that old clients send behind a body begins none (RFC 9112 2.2). */
  private get betweenRequests(): boolean {
    const { held } = this;
    return held.size === 0 || (held.size <= EMPTY_LINE.length && held.bytes.equals(EMPTY_LINE.subarray(0, held.size)));
  }

  /** Answers a head that was not understood and closes: what follows it has no meaning any more. */
  private refuse(code: Code): void {
    const { owner } = this;
    const text = replyText(code, true, false);
    this.wire.write(text);
    owner.sentToClient(text.length);
    owner.refused(code);
    owner.exchangeEnded({
      connection: owner.view,
      backend: 'none',
      endpoint: undefined,
      method: undefined,
      target: undefined,
      status: statusOf(code),
      code,
      upgraded: false,
      bytesToBackend: 0,
      bytesToClient: text.length,
      durationMs: 0,
    });
    this.close();
  }

  /**
   * A client that keeps its word gets the shortest end, as nginx does it, behind a response so small that the client's
   * system has it at once: were more on its way, a stray byte of the client would make RST of it, and cost it the rest.
   */
  private closeBehindResponse(whole: boolean): void {
    const small = this.owner.view.bytesToClient - this.toClientBefore <= SMALL_RESPONSE_BYTES;
    if (!this.lastRequest || !whole || !small || this.held.size > 0 || this.busy) this.close();
    else {
      this.startClosing();
      this.wire.closeSent();
    }
  }

  private close(): void {
    this.startClosing();
    this.wire.end();
    this.paused = false;
    this.wire.resume();
  }

  private cut(): void {
    this.startClosing();
    this.wire.closeSoon();
  }

  private startClosing(): void {
    this.closing = true;
    if (!this.busy) this.held.clear();
    this.queuedAt = performance.now();
    this.wire.tookSome();
    this.owner.expectWithin(LINGER_MS, 'client-stalled');
  }

  /** A client that still reads gets as long as any other that is slow; one that has everything may end its upload. */
  private lingered(): void {
    if (!this.wire.queued) this.awaitEnd();
    else {
      this.queuedAt = performance.now();
      this.stalledMs = this.wire.tookSome() ? 0 : this.stalledMs + LINGER_MS;
      if (this.stalledMs >= this.owner.timeouts.responseMs) this.stalled();
      else this.owner.expectWithin(LINGER_MS, 'client-stalled');
    }
  }

  /** Waits on for a client that goes on sending: it may not look at its response before it has sent everything. */
  private awaitEnd(): void {
    const until = Math.min(this.heardAt + LINGER_MS, this.queuedAt + LINGER_TOTAL_MS);
    const left = until - performance.now();
    if (left > 0) this.owner.expectWithin(left, 'client-stalled');
    else this.wire.destroy();
  }

  /** The client takes nothing, and what is queued for it is dropped. */
  private stalled(): void {
    this.owner.refused('client-stalled');
    this.wire.destroy();
  }
}
