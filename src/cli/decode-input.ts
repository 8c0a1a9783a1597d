/**
 * From what a person has at hand (hex in any dress, the output of xxd, hexdump or tcpdump, or the bytes themselves)
 * to bytes. Pure.
 */

import { V2_SIGNATURE } from '../proxy-header/signature.js';

/** The bytes, or one sentence that says what is wrong with the text. */
export type Input = { readonly bytes: Uint8Array } | { readonly problem: string };

const v1Start = Buffer.from('PROXY');

/** More than the longest header can take in any of the accepted spellings. */
export const inputBytesMax = 1024 * 1024;

/** Reads raw bytes that begin like a PROXY header as they are, everything else as text with hex in it. */
export function readInput(input: Uint8Array): Input {
  const bytes = Buffer.from(input);
  if (startsWith(bytes, V2_SIGNATURE) || startsWith(bytes, v1Start)) {
    return { bytes };
  }
  const text = bytes.toString('latin1');
  const dumped = readDump(text);
  if (dumped !== undefined) {
    return { bytes: withoutPacketHeaders(dumped) };
  }
  // No PROXY header begins with zeros, but every dump does.
  return /^\s*(?:0x)?0{4,8}[:\s]/.test(text)
    ? { problem: 'this looks like a dump, but its lines are not all there or are of more than one packet' }
    : readHex(text);
}

function startsWith(bytes: Buffer, start: Uint8Array): boolean {
  return bytes.subarray(0, start.length).equals(start);
}

/** Digits in pairs; spaces, commas, colons, line ends, `0x` and `\x` between them are skipped. */
function readHex(text: string): Input {
  const pieces: string[] = [];
  for (const word of text.split(/[\s,:]+|0x|\\x/i)) {
    const strange = /[^0-9a-f]/i.exec(word);
    if (strange !== null) {
      return { problem: `${JSON.stringify(strange[0])} is not a hex digit` };
    }
    if (word.length % 2 === 1) {
      return { problem: `"${word.slice(0, 40)}" has an odd number of hex digits` };
    }
    pieces.push(word);
  }
  const bytes = Buffer.from(pieces.join(''), 'hex');
  return bytes.length === 0 ? { problem: 'there are no hex digits to decode' } : { bytes };
}

/**
 * `xxd`, `hexdump -C`, `od -A x -t x1` and `tcpdump -x` lines: an offset, then bytes, then perhaps the same as text.
 * It is a dump only when every offset is the number of bytes before it; else undefined.
 */
function readDump(text: string): Buffer | undefined {
  const pieces: Buffer[] = [];
  let length = 0;
  let repeated = false;
  const add = (piece: Buffer): void => {
    pieces.push(piece);
    length += piece.length;
  };
  const lines = text.split(/\r?\n/);
  // What tcpdump says about the packet stands before its first line of bytes.
  const first = lines.findIndex(line => /^\s*0x0000:\s/.test(line));
  for (const line of lines.slice(Math.max(first, 0))) {
    if (line.trim() === '') {
      continue;
    }
    if (line.trim() === '*' && length > 0) {
      // hexdump writes one star for lines that repeat the one before.
      repeated = true;
      continue;
    }
    const match = /^\s*(?:0x)?([0-9a-f]{4,8})(?::\s*|\s+|$)(.*)$/i.exec(line);
    const offset = Number.parseInt(match?.[1] ?? '', 16);
    const last = pieces.at(-1);
    while (repeated && last !== undefined && last.length > 0 && length < offset && length < inputBytesMax) {
      add(last);
    }
    repeated = false;
    if (match === null || offset !== length) {
      return undefined;
    }
    const piece = dumpedBytes(match[2] ?? '');
    if (piece === undefined) {
      return undefined;
    }
    add(piece);
  }
  return length === 0 ? undefined : Buffer.concat(pieces, length);
}

/** The bytes of one dump line without its offset; `|text|` and what follows two spaces is the text column. */
function dumpedBytes(line: string): Buffer | undefined {
  const bars = /^(.*?)\s+\|.*\|\s*$/.exec(line);
  const column = bars === null ? (line.split(/ {2,}/, 1)[0] ?? '') : (bars[1] ?? '');
  const digits = column.replace(/\s+/g, '');
  return /^(?:[0-9a-f]{2})*$/i.test(digits) ? Buffer.from(digits, 'hex') : undefined;
}

/**
 * `tcpdump -x` shows the packet from its IP header on: those bytes and the TCP header's are skipped. No PROXY header
 * begins with the nibbles 4 or 6.
 */
function withoutPacketHeaders(bytes: Buffer): Buffer {
  const version = (bytes[0] ?? 0) >> 4;
  const isTcp4 = version === 4 && bytes[9] === 6;
  const isTcp6 = version === 6 && bytes[6] === 6;
  if (!isTcp4 && !isTcp6) {
    return bytes;
  }
  const ipLength = isTcp4 ? ((bytes[0] ?? 0) & 0x0f) * 4 : 40;
  const tcpLength = ((bytes[ipLength + 12] ?? 0) >> 4) * 4;
  return bytes.subarray(ipLength + tcpLength);
}
