/** One question to the admin listener of a running usher, for the commands that ask it for something. */
import { type IncomingMessage, request } from 'node:http';
import { formatHostPort } from '../address.js';
import { type HostPort, readEndpoint } from '../control/config/host-port.js';
import { printableLine } from './printable.js';
import { UsageError } from './probe-usage.js';

const ADMIN = '127.0.0.1:9180';
/** Characters of an answer that are read at most. */
const MAX_ANSWER = 16 * 1024 * 1024;
const MAX_SENTENCE = 1_000;

/** What went wrong and what to do, as one sentence. */
export class AdminTrouble extends Error {}

/** The value of `--admin`. Throws UsageError. */
export function readAdmin(word = ADMIN): HostPort {
  const listener = readEndpoint(word);
  if ('value' in listener) return listener.value;
  throw new UsageError(`--admin ${word}: write host:port or [v6]:port, e.g. ${ADMIN}`);
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** One request on a connection of its own. */
export async function ask(
  { host, port }: HostPort,
  method: string,
  path: string,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<Answer> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      // usher answers its own machine by no other name, and every machine by this one.
      const local = { Host: 'localhost' };
      // A body of length 0 is sent, or else Node announces a chunked one.
      const headers = method === 'POST' ? { ...local, 'Content-Length': 0 } : local;
      request({ host, port, method, path, headers, agent: false, signal })
        .on('error', reject)
        .on('response', resolve)
        .end();
    });
    const body = await readBody(response);
    return { status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', body };
  } catch (error) {
    throw unreachable({ host, port }, signal.aborted ? `no answer within ${timeoutMs / 1000} s` : causeOf(error));
  }
}

/** What the listener said, on one line that is fit for a terminal. */
export function sentenceOf({ body }: Answer): string {
  return printableLine(body.trim().slice(0, MAX_SENTENCE));
}

async function readBody(response: IncomingMessage): Promise<string> {
  let body = '';
  response.setEncoding('utf8');
  for await (const piece of response) {
    body += piece;
    if (body.length > MAX_ANSWER) throw new Error('its answer has no end');
  }
  return body;
}

function causeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

function unreachable(admin: HostPort, cause: string): AdminTrouble {
  const question = 'is usher running on this machine, with its admin listener there?';
  return new AdminTrouble(
    `cannot talk to the admin listener at ${wordsOf(admin)} (${cause}): ${question} --admin names another address`,
  );
}

/** An answer that doesn't say that it is done. */
export function unexpected(admin: HostPort, answer: Answer): AdminTrouble {
  const { status } = answer;
  const hint = status === 403 ? '; run this on the machine, or in the container, that usher runs in' : '';
  return new AdminTrouble(`the admin listener at ${wordsOf(admin)} answered ${status}: ${sentenceOf(answer)}${hint}`);
}

export function wordsOf({ host, port }: HostPort): string {
  return formatHostPort(host, port);
}
