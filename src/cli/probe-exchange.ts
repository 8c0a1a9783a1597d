/**
 * What happens on the connection of a probe: the PROXY header in pieces, then a request or a WebSocket. Every function
 * resolves when the socket closes at the latest, so the one timer that destroys the socket bounds them all.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { ProbePlan } from './probe-options.js';

/** A response, its body cut off at {@link bodyBytesMax}. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly httpVersion: string;
  /** Names and values in the order and spelling in which they came. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** `cut`: there is more than is kept; `broken`: it did not come to its end. */
  readonly end: 'whole' | 'cut' | 'broken';
}

/** What came over a WebSocket. */
export interface Conversation {
  /** The first ones, in order; binary messages as hex. */
  readonly messages: readonly string[];
  /** Whether one of them holds the text that was sent. */
  readonly echoed: boolean;
  /** Set when the WebSocket ended before the text came back. */
  readonly closeCode: number | undefined;
}

/** How an exchange ended; nothing but an error: the connection ended before anything came. */
export interface Exchange {
  readonly answer?: Answer;
  readonly conversation?: Conversation;
  readonly error?: Error;
  /** `performance.now()` when the response head, or the first message, was there. */
  readonly answeredAt?: number;
}

const bodyBytesMax = 4096;
const messageBytesMax = 64 * 1024;
const messagesMax = 64;
/** Long enough that the other side reads one piece before the next is there. */
const gapMs = 5;
/** How long the other side may take to answer a close frame. */
const farewellMs = 500;

/** Writes the header, `pieceBytes` at a time when given; whether the socket took all of it. */
export async function sendHeader(socket: Socket, header: Uint8Array, pieceBytes: number | undefined): Promise<boolean> {
  const size = pieceBytes ?? Math.max(header.length, 1);
  for (let offset = 0; offset < header.length; offset += size) {
    if (offset > 0) {
      await after(gapMs);
    }
    if (!(await written(socket, header.subarray(offset, offset + size)))) {
      return false;
    }
  }
  return true;
}

function written(socket: Socket, bytes: Uint8Array): Promise<boolean> {
  return new Promise(resolve => {
    socket.write(bytes, error => resolve(error === undefined || error === null));
  });
}

/** Sends the plan's request on a connected socket and waits for the answer. */
export function exchange(socket: Socket, { request }: ProbePlan): Promise<Exchange> {
  return new Promise(resolve => {
    const outgoing = httpRequest({ ...request, createConnection: () => socket, setHost: false });
    outgoing.on('error', error => resolve({ error }));
    outgoing.on('response', incoming => {
      const answeredAt = performance.now();
      collect(incoming).then(answer => resolve({ answer, answeredAt }));
    });
    // Nobody asked for 101; without a listener node:http would hide it behind a hang-up.
    outgoing.on('upgrade', incoming => {
      resolve({ answer: describe(incoming, Buffer.alloc(0), 'whole'), answeredAt: performance.now() });
    });
    outgoing.end();
  });
}

/** Upgrades a connected socket to a WebSocket, sends the message and waits until it comes back. */
export function converse(socket: Socket, { request }: ProbePlan, message: string): Promise<Exchange> {
  return new Promise<Exchange>(resolve => {
    const messages: string[] = [];
    let opened = false;
    let answeredAt: number | undefined;
    let outcome: { readonly echoed: boolean; readonly closeCode: number | undefined } | undefined;
    const { protocols, headers } = splitProtocols(request.headers);
    // The name is never looked up: the socket is connected, and Host is among the headers.
    const client = new WebSocket(`ws://probe.invalid${request.path}`, protocols, {
      createConnection: () => socket,
      headers,
      perMessageDeflate: false,
      maxPayload: messageBytesMax,
    });
    client.on('open', () => {
      opened = true;
      client.send(message);
    });
    const hangUp = (echoed: boolean): void => {
      outcome = { echoed, closeCode: undefined };
      client.close(1000);
      const timer = setTimeout(() => client.terminate(), farewellMs);
      client.once('close', () => clearTimeout(timer));
    };
    client.on('message', (data, isBinary) => {
      if (outcome !== undefined) {
        return;
      }
      answeredAt ??= performance.now();
      const bytes = data as Buffer;
      const kept = bytes.subarray(0, bodyBytesMax);
      messages.push(isBinary ? `0x${kept.toString('hex')}` : kept.toString());
      const echoed = !isBinary && bytes.includes(message);
      if (echoed || messages.length === messagesMax) {
        hangUp(echoed);
      }
    });
    client.on('unexpected-response', (_request, incoming) => {
      const headAt = performance.now();
      collect(incoming).then(answer => resolve({ answer, answeredAt: headAt }));
    });
    client.on('error', error => {
      if (!opened) {
        resolve({ error });
      }
    });
    client.on('close', code => {
      const conversation = { messages, ...(outcome ?? { echoed: false, closeCode: code }) };
      resolve(answeredAt === undefined ? { conversation } : { conversation, answeredAt });
    });
  }).catch((error: Error) => ({ error }));
}

/** `ws` takes only the subprotocols that it was told of, so they leave the header fields. */
function splitProtocols(fields: ProbePlan['request']['headers']): {
  protocols: string[];
  headers: Record<string, string>;
} {
  const isProtocol = ([name]: [string, unknown]): boolean => name.toLowerCase() === 'sec-websocket-protocol';
  const entries = Object.entries(fields);
  const protocols = entries.filter(isProtocol).flatMap(([, value]) => String(value).split(/[\s,]+/));
  // `ws` hands them to node:http as they are, which sends a field for every value; only its types say string.
  const headers = Object.fromEntries(entries.filter(entry => !isProtocol(entry))) as Record<string, string>;
  return { protocols, headers };
}

function collect(incoming: IncomingMessage): Promise<Answer> {
  return new Promise(resolve => {
    const pieces: Buffer[] = [];
    let length = 0;
    const finish = (end: Answer['end']): void => {
      resolve(describe(incoming, Buffer.concat(pieces).subarray(0, bodyBytesMax), end));
    };
    incoming.on('data', (piece: Buffer) => {
      pieces.push(piece);
      length += piece.length;
      if (length > bodyBytesMax) {
        finish('cut');
        incoming.destroy();
      }
    });
    incoming.on('end', () => finish('whole'));
    incoming.on('error', () => finish('broken'));
    incoming.on('close', () => finish('broken'));
  });
}

function describe(incoming: IncomingMessage, body: Buffer, end: Answer['end']): Answer {
  const { rawHeaders } = incoming;
  return {
    status: incoming.statusCode ?? 0,
    reason: incoming.statusMessage ?? '',
    httpVersion: incoming.httpVersion,
    fields: rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ''] as const] : [])),
    body,
    end,
  };
}
