/** TCP connections of the load generator. All read into one buffer, so that reading allocates nothing. */
import net from 'node:net';
import type { Subject } from '../subject.js';

export interface ConnectionReader {
  /** Bytes came in; they are valid until the call returns. */
  onBytes(bytes: Buffer, socket: net.Socket): void;
  /** Called once, however it ended. */
  onClose?(socket: net.Socket): void;
}

const shared = Buffer.allocUnsafe(256 * 1024);

/** Connects, and sends the subject's header and `first` in one segment. */
export function openConnection(subject: Subject, first: Buffer, reader: ConnectionReader): net.Socket {
  const callback = (length: number): boolean => {
    reader.onBytes(shared.subarray(0, length), socket);
    return true;
  };
  const onread = { buffer: shared, callback };
  const socket = net.connect({ port: subject.port, host: '127.0.0.1', noDelay: true, onread });
  // A failed connection closes too, and that is what counts.
  socket.on('error', () => {});
  if (reader.onClose !== undefined) socket.once('close', () => reader.onClose?.(socket));
  socket.write(subject.header.length === 0 ? first : Buffer.concat([subject.header, first]));
  return socket;
}
