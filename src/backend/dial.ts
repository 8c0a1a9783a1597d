/** Opens a TCP connection to an endpoint, within a time. */
import { isIP } from 'node:net';
import { BareConnect } from '../bare-connect.js';
import { canBeBare } from '../bare-transport.js';
import type { Code } from '../codes.js';
import { OutgoingSocket, PlainTransport } from '../plain-transport.js';
import type { EndpointSettings } from '../settings.js';
import type { Transport } from '../transport.js';

/** What is told of a dial; one of the two is called, once, never inside the call that dials. */
export interface DialUser {
  /** Serve it in the same tick. */
  onConnected(transport: Transport): void;
  /** `why`: the system's code (`ECONNREFUSED`), or `timeout`. */
  onFailed(code: Code, why: string): void;
}

/** What has been begun: either way of connecting. */
interface Begun {
  cancel(): void;
}

/** How it ended; called once, and not behind `cancel`. */
type Settled = (result: Transport | NodeJS.ErrnoException) => void;

/** @param timeoutMs from now until the connection stands */
export function dial(endpoint: EndpointSettings, timeoutMs: number, user: DialUser): void {
  const begun = begin(endpoint, result => {
    clearTimeout(timer);
    if (result instanceof Error) user.onFailed('backend-unreachable', result.code ?? 'unknown');
    else user.onConnected(result);
  });
  const timer = setTimeout(() => {
    begun.cancel();
    user.onFailed('backend-connect-timeout', 'timeout');
  }, timeoutMs);
}

/** A name has to be looked up, which a socket does. */
function begin({ host, port }: EndpointSettings, settled: Settled): Begun {
  const family = isIP(host);
  if (!canBeBare() || family === 0) return connectSocket(host, port, settled);
  return new BareConnect(host, family, port, { onConnected: settled, onFailed: settled });
}

function connectSocket(host: string, port: number, settled: Settled): Begun {
  const socket = new OutgoingSocket();
  const onConnect = () => {
    leave();
    settled(new PlainTransport(socket));
  };
  const onError = (error: Error) => {
    cancel();
    settled(error);
  };
  const leave = () => {
    socket.off('connect', onConnect);
    socket.off('error', onError);
  };
  const cancel = () => {
    leave();
    socket.on('error', ignoreLateError);
    socket.destroy();
  };
  socket.on('connect', onConnect);
  socket.on('error', onError);
  socket.connect({ host, port });
  return { cancel };
}

function ignoreLateError(): void {}
