/**
 * As much of Engine.IO, the transport under Socket.IO, as a proxy needs to keep a session on one endpoint: the `sid`
 * that a handshake gives out, and the answer to a `sid` whose endpoint is gone. Revisions 3 (Socket.IO 2) and 4
 * (Socket.IO 3 and 4) of https://socket.io/docs/v4/engine-io-protocol. Pure.
 */
import { dateText } from './date.js';

/** A session that a handshake opened. */
export interface OpenedSession {
  readonly sid: string;
  /** How long the server keeps it without a sign of the client: its ping interval and its ping timeout. */
  readonly aliveMs: number;
}

/** A handshake has about 130 bytes. */
const MAX_HANDSHAKE = 1024;
const MIN_ALIVE_MS = 5_000;
const MAX_ALIVE_MS = 600_000;

/**
 * A `sid` that usher keeps: 20 characters of base64url from Engine.IO itself, UUIDs and the like from other servers. It
 * becomes a key of a table that clients can look into, so it is bounded; and it has the same text in JSON and in a
 * query, so that no two spellings need to be compared. A session of another kind is just not learnt.
 */
const SID = /^[A-Za-z0-9_-]{1,64}$/;

export function isSid(text: string): boolean {
  return SID.test(text);
}

/** How any of the forms begins: packet or length, length in binary, JSONP. */
const BEGINNING = ['', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '\0', '_'];
/** `___eio[0]("…");`: the payload as a string literal, which is JSON (transport `polling` with `j`). */
const JSONP = /^___eio\[[0-9]{0,10}\]\(("(?:[^"\\]|\\.)*")/;
/** A packet of type 0, `open`; revision 3 puts its length in front. No handshake has an object inside another. */
const OPEN = /^(?:[0-9]{1,4}:)?0(\{[^{}]*\})/;
/** Ends the length of a packet in revision 3's binary form: 0 for a string, a byte per decimal digit, 255. */
const BINARY_LENGTH_END = '\xff';

/**
 * Learns the session from the content of a response with status 200 to a handshake by polling: `0{"sid":"…",…}`, in
 * revision 3 `97:0{"sid":"…",…}2:40` or the same with binary lengths, either of them as JSONP. Anything else, and
 * whatever is longer than a KiB, teaches nothing; the session is then placed like a client that has none.
 *
 * Nothing is learnt of a response with Content-Encoding. Engine.IO compresses polling responses from 1 KiB on
 * (`httpCompression.threshold`), so its handshakes come plain.
 */
export class SidSniffer {
  /** Whether nothing can be learnt any more, so that further pieces need not be fed. */
  done = false;
  private text = '';

  /**
   * Takes the next piece of the content; nothing of it is kept but a copy of what may be a handshake.
   * @returns the session, once: with the piece that completes it, so that it is known before the client can use it
   */
  feed(piece: Buffer): OpenedSession | undefined {
    if (this.done) return undefined;
    this.text += piece.toString('latin1', 0, MAX_HANDSHAKE - this.text.length);
    const packet = openPacket(this.text);
    this.done = packet !== undefined || this.text.length >= MAX_HANDSHAKE || !BEGINNING.includes(this.text.slice(0, 1));
    if (this.done) this.text = '';
    return packet === undefined ? undefined : sessionOf(packet);
  }
}

/** The JSON of the open packet at the beginning of a payload; undefined: it is not there, or not all of it. */
function openPacket(text: string): string | undefined {
  const literal = JSONP.exec(text)?.[1];
  const payload = literal === undefined ? text : parseJson(literal);
  return typeof payload === 'string' ? OPEN.exec(withoutBinaryLength(payload))?.[1] : undefined;
}

function withoutBinaryLength(payload: string): string {
  return payload.startsWith('\0') ? payload.slice(payload.indexOf(BINARY_LENGTH_END) + 1) : payload;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Members of the handshake (Engine.IO protocol, "Handshake"), not checked yet. */
interface Handshake {
  readonly sid?: unknown;
  readonly pingInterval?: unknown;
  readonly pingTimeout?: unknown;
}

function sessionOf(packet: string): OpenedSession | undefined {
  const handshake = parseJson(packet) as Handshake | undefined;
  const { sid, pingInterval, pingTimeout } = handshake ?? {};
  if (typeof sid !== 'string' || !isSid(sid)) return undefined;
  if (typeof pingInterval !== 'number' || typeof pingTimeout !== 'number') return undefined;
  return { sid, aliveMs: Math.min(Math.max(pingInterval + pingTimeout, MIN_ALIVE_MS), MAX_ALIVE_MS) };
}

/** An origin as browsers send it (RFC 6454 6.2): nothing else is repeated to the client. */
const ORIGIN = /^(?:null|[a-z][a-z0-9+.-]{0,30}:\/\/[A-Za-z0-9._~%:[\]-]{1,255})$/;

const LOST = '{"code":1,"message":"Session ID unknown"}';

/**
 * A whole response that says what Engine.IO says of a `sid` it doesn't know. A client that polls takes any status but
 * 200 as the end of its session, forgets the `sid` and connects anew, after its own reconnection delay; a JSONP client
 * does when its script fails to load. A WebSocket upgrade that fails leaves the client polling, and its next poll gets
 * this same answer.
 *
 * Browsers show the answer to a page of another origin only if it allows that; without, the client sees a failed request
 * and does the same, but the page's log tells of CORS and hides the cause. Any origin may read it, even with credentials,
 * as Engine.IO 3 had it: it says nothing about anybody.
 * @param origin value of the request's Origin; undefined: it had none
 * @param close whether the connection ends behind it
 * @param toHead whether the request was HEAD, which is answered without a body (RFC 9110 9.3.2)
 */
export function sessionLostText(origin: string | undefined, close: boolean, toHead: boolean): string {
  return (
    'HTTP/1.1 400 Bad Request\r\n' +
    `Date: ${dateText()}\r\n` +
    'Content-Type: application/json\r\n' +
    `Content-Length: ${LOST.length}\r\n` +
    'Cache-Control: no-store\r\n' +
    allowText(origin) +
    `Connection: ${close ? 'close' : 'keep-alive'}\r\n\r\n${toHead ? '' : LOST}`
  );
}

function allowText(origin: string | undefined): string {
  if (origin === undefined || !ORIGIN.test(origin)) return '';
  return `Access-Control-Allow-Origin: ${origin}\r\nAccess-Control-Allow-Credentials: true\r\n`;
}
