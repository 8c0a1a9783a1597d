/** Opens a TCP connection to an endpoint, within a time. */
import type { Socket } from 'node:net';
import type { Code } from '../codes.js';
import type { EndpointSettings } from '../settings.js';
import { WireSocket } from '../wire-socket.js';

/** What is told of a dial; one of the two is called, once, never inside the call that dials. */
export interface DialUser {
  onConnected(socket: Socket): void;
  /** `why`: the system's code (`ECONNREFUSED`), or `timeout`. */
  onFailed(code: Code, why: string): void;
}

/**
 * Dials. The socket handed over has no error listener of ours left: attach one in the same tick.
 * @param timeoutMs from now until the connection stands
 */
export function dial(endpoint: EndpointSettings, timeoutMs: number, user: DialUser): void {
  const socket = WireSocket.unconnected();
  socket.connect({ host: endpoint.host, port: endpoint.port });
  const timer = setTimeout(() => fail('backend-connect-timeout', 'timeout'), timeoutMs);
  socket.on('connect', onConnect);
  socket.on('error', onError);

  function onConnect(): void {
    clearTimeout(timer);
    socket.off('connect', onConnect);
    socket.off('error', onError);
    user.onConnected(socket);
  }

  function onError(error: NodeJS.ErrnoException): void {
    fail('backend-unreachable', error.code ?? 'unknown');
  }

  function fail(code: Code, why: string): void {
    clearTimeout(timer);
    socket.off('connect', onConnect);
    socket.off('error', onError);
    socket.on('error', ignoreLateError);
    socket.destroy();
    user.onFailed(code, why);
  }
}

function ignoreLateError(): void {}
