/** WebSockets as bare as they can be: frames that are built once, and echoes compared byte by byte. */
import type { Socket } from 'node:net';
import type { Subject } from '../subject.js';
import { openConnection } from './connection.js';

const HANDSHAKE = Buffer.from(
  'GET /socket HTTP/1.1\r\nHost: chat.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
);
const MASKED = 0x80;
const BINARY = 0x82;

/** A binary message in one frame; `masked` as a client sends it (with the key 0, which changes nothing). */
export function frame(payload: Buffer, masked: boolean): Buffer {
  const bit = masked ? MASKED : 0;
  const { length } = payload;
  const head = length < 126 ? [BINARY, bit | length] : [BINARY, bit | 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(masked ? 4 : 0), payload]);
}

export interface WebSocketReader {
  /** The backend has said 101. */
  onOpen(socket: Socket): void;
  /** Bytes behind the 101, valid until the call returns. */
  onBytes(bytes: Buffer, socket: Socket): void;
  /** Called once; `opened` tells whether onOpen was. */
  onClose(opened: boolean): void;
}

/** Opens a WebSocket. An answer other than 101 closes it. */
export function openWebSocket(subject: Subject, reader: WebSocketReader): Socket {
  let opened = false;
  let head = '';
  const onHead = (bytes: Buffer, socket: Socket): void => {
    head += bytes.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const rest = bytes.subarray(bytes.length - (head.length - (end + 4)));
    if (!head.startsWith('HTTP/1.1 101 ')) {
      socket.destroy();
      return;
    }
    opened = true;
    head = '';
    reader.onOpen(socket);
    if (rest.length > 0) reader.onBytes(rest, socket);
  };
  return openConnection(subject, HANDSHAKE, {
    onBytes: (bytes, socket) => (opened ? reader.onBytes(bytes, socket) : onHead(bytes, socket)),
    onClose: () => reader.onClose(opened),
  });
}
