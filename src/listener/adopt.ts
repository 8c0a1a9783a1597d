/**
 * Accepted connections as sockets that share their read buffer. Node offers `onread` only for connections that we make,
 * so the function that Node's accepting handle calls is replaced, and a socket of ours is built around each accepted
 * handle, just as Node would build one. Where a release of Node has no such function, all stays as it is.
 */
import type { Server, Socket } from 'node:net';
import { WireSocket } from '../wire-socket.js';

/** For tests of what happens on a Node that has no such function. */
export const adoption = { off: false };

type OnConnection = (this: unknown, status: number, client: unknown) => void;

/** @param server is listening */
export function adoptHandles(server: Server, accepted: (socket: Socket) => void): void {
  const { _handle: handle } = server as unknown as { _handle?: { onconnection?: OnConnection } | null };
  const plain = handle?.onconnection;
  if (adoption.off || !handle || typeof plain !== 'function') return;
  handle.onconnection = function (status, client) {
    if (status === 0 && canShare(client)) accepted(WireSocket.accepted(client));
    else plain.call(this, status, client);
  };
}

function canShare(client: unknown): boolean {
  return typeof (client as { useUserBuffer?: unknown } | undefined)?.useUserBuffer === 'function';
}
