/**
 * What a PROXY header says, and the three answers of a decoder.
 */
import type { SocketAddress } from '../address.js';
import type { Code } from '../codes.js';

/**
 * The words of the specification. `UNKNOWN`: the sender speaks for a client that it does not name in a way usher
 * uses: v1 `UNKNOWN`; v2 `PROXY` with UNSPEC, datagram or UNIX. The peer's own address stands for the client then.
 */
export type Command = 'PROXY' | 'LOCAL' | 'UNKNOWN';

/** A typed extension of v2 (PP 2.2). */
export interface Tlv {
  /** 0 to 255. */
  readonly type: number;
  /** At most 65535 bytes; the decoder's own copy. */
  readonly value: Uint8Array;
}

export interface ProxyHeader {
  readonly version: 1 | 2;
  readonly command: Command;
  /** As the wire says; `unspec` for v1 `UNKNOWN`, and for `LOCAL`, whose family byte means nothing. */
  readonly family: 'inet' | 'inet6' | 'unix' | 'unspec';
  readonly transport: 'stream' | 'dgram' | 'unspec';
  /** The client, undefined unless `command` is `PROXY`. */
  readonly source: SocketAddress | undefined;
  /** The address that the client dialled, undefined unless `command` is `PROXY`. */
  readonly destination: SocketAddress | undefined;
  /** In the order of the wire, doubles included; empty for v1. */
  readonly tlvs: readonly Tlv[];
}

/** Why bytes are not, and cannot become, a PROXY header that usher takes. */
export type HeaderCode = Extract<
  Code,
  | 'header-missing'
  | 'header-malformed'
  | 'header-too-long'
  | 'header-version'
  | 'header-command'
  | 'header-family'
  | 'header-length'
  | 'header-tlv'
  | 'header-crc'
>;

/**
 * Need more bytes; a header and how many bytes it took (the payload begins behind them); or bad, whatever may follow.
 */
export type Decoded =
  | { readonly kind: 'more' }
  | { readonly kind: 'header'; readonly header: ProxyHeader; readonly length: number }
  | { readonly kind: 'bad'; readonly code: HeaderCode };

export const more: Decoded = { kind: 'more' };

export function bad(code: HeaderCode): Decoded {
  return { kind: 'bad', code };
}
