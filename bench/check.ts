/** That a subject does its work, before anyone measures how fast: a benchmark of wrong answers is worth nothing. */
import { SMALL_ANSWER } from './answers.js';
import { inTime } from './in-time.js';
import { HttpConnection } from './load/http-connection.js';
import { CLIENT } from './load/proxy-header.js';
import { frame, openWebSocket } from './load/websocket.js';
import type { Subject } from './subject.js';

const SMALL = Buffer.from('GET / HTTP/1.1\r\nHost: chat.example.com\r\n\r\n');
const WHO = 'GET /whoami HTTP/1.1\r\nHost: chat.example.com\r\n';
/** Those who read the PROXY header also replace what the client claims. */
const FORGED = 'X-Forwarded-For: 198.51.100.99\r\n';
const MESSAGE = Buffer.from('usher');
const PATIENCE_MS = 5000;

/** Rejects with one sentence when an answer, the client's address or a WebSocket echo is wrong. */
export async function checkAnswers(subject: Subject): Promise<void> {
  const connection = new HttpConnection(subject);
  await inTime(checkHttp(subject, connection), `${subject.name} does not answer`, PATIENCE_MS);
  connection.destroy();
  await inTime(checkEcho(subject), `${subject.name} does not echo on a WebSocket`, PATIENCE_MS);
}

async function checkHttp(subject: Subject, connection: HttpConnection): Promise<void> {
  const small = await connection.exchange(SMALL);
  if (!small || !connection.response.is(SMALL_ANSWER))
    throw new Error(`${subject.name} does not answer as the backend`);
  if (subject.program === undefined) return;
  const told = subject.header.length > 0;
  const complete = await connection.exchange(Buffer.from(`${WHO}${told ? FORGED : ''}\r\n`));
  const { status, body } = connection.response;
  const expected = told ? CLIENT : '127.0.0.1';
  const shown: unknown = complete && status === 200 ? JSON.parse(body)['x-forwarded-for'] : `status ${status}`;
  if (shown !== expected) throw new Error(`${subject.name} should name the client ${expected}, but: ${shown}`);
}

function checkEcho(subject: Subject): Promise<void> {
  const expected = frame(MESSAGE, false);
  let echo = '';
  return new Promise((resolve, reject) => {
    const socket = openWebSocket(subject, {
      onOpen: () => socket.write(frame(MESSAGE, true)),
      onBytes: bytes => {
        echo += bytes.toString('latin1');
        if (echo.length >= expected.length) socket.destroy();
      },
      onClose: () => {
        if (echo === expected.toString('latin1')) resolve();
        else reject(new Error(`${subject.name} does not echo on a WebSocket`));
      },
    });
  });
}
