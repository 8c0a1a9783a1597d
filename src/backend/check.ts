/** One active check of an endpoint, over a connection of its own: does it take a connection, does it answer a GET. */
import { Socket } from 'node:net';
import { formatHostPort } from '../address.js';
import type { EndpointSettings, HealthCheckSettings } from '../settings.js';

/**
 * Why a check failed. `closed`: it ended the connection without a status line; `not-http`: what came is none;
 * `status-503`: not a status that was asked for; else the system's code, `ECONNREFUSED`.
 */
export type CheckFailure = 'timeout' | 'closed' | 'not-http' | 'unknown' | `status-${number}` | `E${string}`;

/** One of the two is called, once, never inside the call that checks; neither after `cancel`. */
export interface CheckUser {
  onPassed(): void;
  onFailed(why: CheckFailure): void;
}

/** What is checked, and how; `greeting` is sent in front of everything: the PROXY header that the endpoint expects. */
export interface CheckOptions extends Pick<HealthCheckSettings, 'http' | 'timeoutMs'> {
  readonly endpoint: Pick<EndpointSettings, 'host' | 'port'>;
  readonly greeting?: Buffer | undefined;
}

/** A status line longer than this is none. */
const MAX_STATUS_LINE_BYTES = 1_024;
const LF = 0x0a;
/** RFC 9112 4; an endpoint may leave out the space in front of an empty reason. */
const STATUS_LINE = /^HTTP\/1\.[01] ([1-9][0-9]{2})(?: [^\r]*)?\r?$/;
const STATUS_LINE_BEGIN = 'HTTP/1.';
/** The interval of checks varies by a tenth, so that the ushers of a fleet don't check in step. */
const JITTER = 0.1;

/** @param random from 0 to 1. @returns `intervalMs` give or take a tenth */
export function jittered(intervalMs: number, random: number): number {
  return intervalMs * (1 - JITTER + 2 * JITTER * random);
}

/** The status in the status line that `bytes` begin with. */
export function scanStatus(bytes: Buffer): number | 'more' | 'not-http' {
  const end = bytes.indexOf(LF);
  const line = bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
  if (end < 0) {
    const begins = line.startsWith(STATUS_LINE_BEGIN.slice(0, line.length));
    return begins && bytes.length < MAX_STATUS_LINE_BYTES ? 'more' : 'not-http';
  }
  const status = end < MAX_STATUS_LINE_BYTES ? STATUS_LINE.exec(line)?.[1] : undefined;
  return status === undefined ? 'not-http' : Number(status);
}

/** A check under way. */
export interface Check {
  /** Closes the connection; the user isn't called any more. */
  cancel(): void;
}

/** Checks once; it ends when its user has been told, or is cancelled. Never throws. */
export function startCheck(options: CheckOptions, user: CheckUser): Check {
  return new CheckConnection(options, user);
}

class CheckConnection implements Check {
  private readonly socket = new Socket();
  private readonly timer: NodeJS.Timeout;
  private received: Buffer = Buffer.alloc(0);
  private done = false;

  constructor(
    private readonly options: CheckOptions,
    private readonly user: CheckUser,
  ) {
    this.timer = setTimeout(() => this.fail('timeout'), options.timeoutMs);
    // It stays: an error may come late.
    this.socket.on('error', this.onError);
    this.socket.on('close', this.onClose);
    if (options.http === undefined) this.socket.once('connect', this.onConnect);
    else this.socket.on('data', this.onData);
    this.connect();
  }

  cancel(): void {
    this.finish();
  }

  private connect(): void {
    const { host, port } = this.options.endpoint;
    try {
      this.socket.connect({ host, port, noDelay: true });
      if (this.options.http !== undefined) this.socket.write(this.request());
    } catch (error) {
      // No address at all, such as a port above 65535.
      setImmediate(this.onError, error as NodeJS.ErrnoException);
    }
  }

  private request(): Buffer {
    const { http, endpoint, greeting } = this.options;
    const host = http?.host ?? formatHostPort(endpoint.host, endpoint.port);
    const head = `GET ${http?.path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: usher/health-check\r\nConnection: close\r\n\r\n`;
    return Buffer.concat([greeting ?? Buffer.alloc(0), Buffer.from(head, 'latin1')]);
  }

  /** Without HTTP, a connection is enough, but the greeting goes out whole before it is closed. */
  private readonly onConnect = (): void => {
    const { greeting } = this.options;
    if (greeting === undefined || greeting.length === 0) this.pass();
    else this.socket.once('finish', () => this.pass()).end(greeting);
  };

  private readonly onData = (bytes: Buffer): void => {
    if (this.done) return;
    const room = MAX_STATUS_LINE_BYTES - this.received.length;
    this.received = Buffer.concat([this.received, bytes.subarray(0, room)]);
    const status = scanStatus(this.received);
    if (status === 'more') return;
    if (status === 'not-http') this.fail('not-http');
    else if (this.options.http?.statuses.includes(status)) this.pass();
    else this.fail(`status-${status}`);
  };

  private readonly onError = (error: NodeJS.ErrnoException): void => {
    this.fail((error.code as `E${string}` | undefined) ?? 'unknown');
  };

  private readonly onClose = (): void => {
    this.fail('closed');
  };

  private pass(): void {
    if (this.finish()) this.user.onPassed();
  }

  private fail(why: CheckFailure): void {
    if (this.finish()) this.user.onFailed(why);
  }

  /** @returns whether this call ended it */
  private finish(): boolean {
    if (this.done) return false;
    this.done = true;
    clearTimeout(this.timer);
    this.socket.destroy();
    return true;
  }
}
