/**
 * The door of the admin listener: takes the PROXY header, if one is there, off the front of a connection. An NLB with
 * proxy protocol on puts one before its health checks; Prometheus and people put none.
 *
 * Unlike in the data plane, guessing does no harm here: the address in the header is ignored.
 */
import type { Socket } from 'node:net';
import { decodeProxyHeader } from '../proxy-header/decode.js';

/** Keeps a socket from throwing, from the first tick to the last. */
function ignoreError(): void {}

/**
 * Waits for the first bytes of a connection and hands it on as if the PROXY header had never been there. What brings
 * no first byte behind its header within `deadlineMs` in total, or ends before that, is closed without a word.
 *
 * @param enter gets the socket paused, with all bytes behind the header to be read
 */
export function watchDoor(socket: Socket, deadlineMs: number, enter: (socket: Socket) => void): void {
  let held: Buffer = Buffer.alloc(0);
  let headerTaken = false;

  function socketOnData(chunk: Buffer): void {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    if (!headerTaken && !takeHeader()) return;
    if (held.length > 0) handOver();
  }

  /** Whether the question of the header is settled. */
  function takeHeader(): boolean {
    const decoded = decodeProxyHeader(held);
    if (decoded.kind === 'more') return false;
    if (decoded.kind === 'bad' && decoded.code !== 'header-missing') {
      socket.destroy();
      return false;
    }
    if (decoded.kind === 'header') held = held.subarray(decoded.length);
    headerTaken = true;
    return true;
  }

  function handOver(): void {
    stopWatching();
    socket.pause();
    socket.unshift(held);
    enter(socket);
  }

  function leave(): void {
    socket.destroy();
  }

  function stopWatching(): void {
    clearTimeout(deadline);
    socket.off('data', socketOnData);
    socket.off('end', leave);
    socket.off('close', stopWatching);
  }

  const deadline = setTimeout(leave, deadlineMs);
  socket.on('error', ignoreError);
  socket.on('data', socketOnData);
  socket.on('end', leave);
  socket.on('close', stopWatching);
}
