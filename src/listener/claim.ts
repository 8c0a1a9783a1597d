/**
 * Whether an address can be had alone. Who shares an address (SO_REUSEPORT) would share it with another usher too, so it is
 * asked for once without sharing, and given back within the same call: a client that comes in those microseconds is reset,
 * one that comes before or behind them, until usher listens, is refused.
 */
import { isIPv6 } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { HandleEnd, Handles } from '../handles.js';
import type { ListenAddress } from '../settings.js';

const ANY_6 = '::';
const ANY_4 = '0.0.0.0';

/** @param place an address, no name. @returns its port, or the system's code: why it can't be had */
export function claim(node: Handles, place: ListenAddress): number | string {
  const claimed = claimAt(node, place);
  // As Node does it on a machine without IPv6.
  if (typeof claimed === 'number' || place.host !== ANY_6 || claimed === 'EADDRINUSE') return claimed;
  return claimAt(node, { host: ANY_4, port: place.port });
}

function claimAt(node: Handles, { host, port }: ListenAddress): number | string {
  const handle = node.newAccepting();
  const end: HandleEnd = { address: '', family: '', port: 0 };
  const bind = () => (isIPv6(host) ? handle.bind6(host, port, 0) : handle.bind(host, port));
  const status = firstFault(
    bind,
    () => handle.listen(1),
    () => handle.getsockname(end),
  );
  handle.close();
  return status === 0 ? end.port : getSystemErrorName(status);
}

/** Calls one behind the other until one fails. */
function firstFault(...calls: readonly (() => number)[]): number {
  for (const call of calls) {
    const status = call();
    if (status !== 0) return status;
  }
  return 0;
}
