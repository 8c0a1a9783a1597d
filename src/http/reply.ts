/** The small plain-text answers that usher gives itself. */
import { type Code, causes } from '../codes.js';
import { dateText } from './date.js';

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  408: 'Request Timeout',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  426: 'Upgrade Required',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

/** What a 426 must name (RFC 9110 15.5.22 and RFC 6455 4.4). */
const WHICH_UPGRADE = 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';

/** The status that a code is answered with; 500 for codes that end a connection without an answer. */
export function statusOf(code: Code): number {
  return causes[code].status ?? 500;
}

/**
 * A whole response for a code: `502 backend-unreachable: the backend could not be reached`.
 * @param close whether the connection ends behind it
 * @param toHead whether the request was HEAD, which is answered without a body (RFC 9110 9.3.2)
 */
export function replyText(code: Code, close: boolean, toHead: boolean): string {
  const status = statusOf(code);
  const body = `${status} ${code}: ${causes[code].text}\n`;
  return (
    `HTTP/1.1 ${status} ${REASONS[status]}\r\n` +
    `Date: ${dateText()}\r\n` +
    'Content-Type: text/plain; charset=utf-8\r\n' +
    `Content-Length: ${body.length}\r\n` +
    'Cache-Control: no-store\r\n' +
    (status === 426 ? WHICH_UPGRADE : '') +
    `Connection: ${close ? 'close' : 'keep-alive'}${status === 426 ? ', Upgrade' : ''}\r\n\r\n${toHead ? '' : body}`
  );
}
