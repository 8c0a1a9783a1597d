/**
 * `usher decode`: what a PROXY header says, as JSON, from the hex that a log or a packet capture shows.
 */
import { type Code, causes } from '../codes.js';
import { decodeProxyHeader } from '../proxy-header/decode.js';
import { describeHeader } from '../proxy-header/describe.js';
import { sniff } from '../proxy-header/sniff.js';
import { inputBytesMax, readInput } from './decode-input.js';
import { printableJson, printableLine } from './printable.js';

/** Where `decode` reads and writes; the streams of a process fit. */
export interface DecodeIo {
  /** Read to its end (1 MiB at most) when there is no argument. */
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** 16 fixed bytes and the longest length that two bytes can say (PP 2.2). */
const headerBytesMax = 16 + 0xffff;

/**
 * Prints the PROXY header in `input`, or in standard input where `input` is undefined, and what is behind it.
 *
 * @param input hex in any dress (spaces, colons, commas, line ends, `0x`, `\x`), a dump of xxd, hexdump or tcpdump, or
 *   the header itself.
 * @returns the exit code: 0 with JSON on `stdout`; 1 where the bytes are not, or not yet, a PROXY header; 64 where the
 *   input is not hex. All but 0 with one sentence on `stderr`.
 */
export async function decode(input: string | undefined, io: DecodeIo): Promise<number> {
  const bytes = input === undefined ? await readAll(io.stdin) : Buffer.from(input);
  const read = bytes === undefined ? { problem: 'the input is longer than 1 MiB' } : readInput(bytes);
  if ('problem' in read) {
    return fail(
      io,
      64,
      `${read.problem}; give a PROXY header as hex, e.g. usher decode 0d0a0d0a000d0a515549540a20000000`,
    );
  }
  const decoded = decodeProxyHeader(read.bytes, headerBytesMax);
  switch (decoded.kind) {
    case 'more':
      return fail(io, 1, incomplete(read.bytes));
    case 'bad':
      return fail(io, 1, notHeader(read.bytes, decoded.code));
    case 'header':
      io.stdout.write(
        printableJson({
          ...describeHeader(decoded.header, decoded.length),
          rest: describeRest(read.bytes.subarray(decoded.length)),
        }),
      );
      return 0;
  }
}

function fail(io: DecodeIo, exitCode: number, sentence: string): number {
  io.stderr.write(`usher decode: ${printableLine(sentence)}\n`);
  return exitCode;
}

function incomplete(bytes: Uint8Array): string {
  const there = `${bytes.length} ${bytes.length === 1 ? 'byte is' : 'bytes are'} there, and more are needed`;
  if (bytes[0] !== 0x0d) {
    return `the PROXY v1 line is incomplete: ${there} (it ends in CR LF)`;
  }
  const needed = bytes.length < 16 ? 16 : 16 + Buffer.from(bytes).readUInt16BE(14);
  return `the PROXY v2 header is incomplete: ${there} (${needed} ${bytes.length < 16 ? 'at least' : 'in all'})`;
}

/** Says what else it may be, where that can be told: a client that is missing its balancer, mostly. */
function notHeader(bytes: Uint8Array, code: Code): string {
  const opening = sniff(bytes);
  const hint = code !== 'header-missing' || opening === 'unknown' ? '' : `; it looks like ${opening}`;
  return `not a PROXY header: ${code}: ${causes[code].text}${hint}`;
}

/** The payload that came along, which the backend would get. */
function describeRest(rest: Uint8Array): object {
  return { length: rest.length, hex: Buffer.from(rest).toString('hex'), looksLike: sniff(rest) };
}

async function readAll(stdin: AsyncIterable<Uint8Array | string>): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of stdin) {
    const bytes = Buffer.from(piece);
    length += bytes.length;
    if (length > inputBytesMax) {
      return undefined;
    }
    pieces.push(bytes);
  }
  return Buffer.concat(pieces, length);
}
