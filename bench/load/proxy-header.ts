/** The PROXY header in front of every connection: v2, built by an independent implementation. */
import { Command, IPv4Address, IPv4ProxyAddress, TransportProtocol, V2ProxyProtocol } from 'proxy-protocol-js';

/** The client that it names. */
export const CLIENT = '203.0.113.9';

const ends = new IPv4ProxyAddress(
  IPv4Address.createFrom([203, 0, 113, 9]),
  51_234,
  IPv4Address.createFrom([10, 0, 1, 20]),
  443,
);

export const PROXY_HEADER = Buffer.from(new V2ProxyProtocol(Command.PROXY, TransportProtocol.STREAM, ends).build());
