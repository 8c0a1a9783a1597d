/** Who is on this machine, and what a web page in one of its browsers can't pretend. Pure. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** The socket's own address counts: the one in a PROXY header is whatever the peer likes. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  return loopback.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
}

/**
 * Whether a Host field is an IP address or `localhost`, with any port. A page can have its own name point at 127.0.0.1
 * (DNS rebinding) and so read what a loopback port answers, but it brings that name along.
 */
export function isLocalHost(host: string): boolean {
  const [, name = ''] = /^(\[.+\]|[^:]+)(?::\d+)?$/.exec(host) ?? [];
  if (name.startsWith('[')) return isIPv6(name.slice(1, -1));
  return isIPv4(name) || name.toLowerCase() === 'localhost';
}
