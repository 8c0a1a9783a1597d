/**
 * The property: what usher accepts, Node accepts; what both accept, they frame alike; and what usher sends on, a reader
 * that shares no code with it reads as just that.
 */
import { isDeepStrictEqual } from 'node:util';
import { makeRequests, makeResponses } from './fuzz-messages.js';
import { chanceOf } from './fuzz-random.js';
import {
  type Forwarded,
  nodeReadsRequests,
  nodeReadsResponse,
  type Reading,
  usherReadsRequests,
  usherReadsResponse,
} from './fuzz-readers.js';
import { readStrictly } from './strict-reader.js';

export type Side = 'request' | 'response' | 'response to HEAD';

/** What differs between two readings of the same bytes; nothing: they agree, or usher alone refuses. */
export function differenceOf(usher: Reading, node: Reading): string | undefined {
  for (const [index, ours] of usher.messages.entries()) {
    const theirs = node.messages[index];
    // A refusal in the middle of a message may stop either before it tells of the part that was fine.
    if (theirs === undefined)
      return ours.whole || usher.verdict === 'more' ? `Node refuses message ${index}` : undefined;
    const { line, fields, body, trailers, whole } = theirs;
    if (ours.line !== line) return `line ${index}: ${ours.line} / ${line}`;
    if (!isDeepStrictEqual(ours.fields, fields))
      return `fields ${index}: ${ours.fields.join('|')} / ${fields.join('|')}`;
    if (ours.whole) {
      if (!whole) return `Node has not the end of message ${index}`;
      if (ours.body !== body) return `body ${index}: ${JSON.stringify(ours.body)} / ${JSON.stringify(body)}`;
      if (!isDeepStrictEqual(ours.trailers, trailers)) return `trailers ${index}`;
    } else if (usher.verdict === 'more') {
      if (whole) return `Node sees the end of message ${index}`;
      if (ours.body !== body) return `body ${index} so far: ${JSON.stringify(ours.body)} / ${JSON.stringify(body)}`;
    }
  }
  if (usher.verdict !== 'more') return undefined;
  if (node.messages.length > usher.messages.length) return `Node sees one message more than ${usher.messages.length}`;
  // In a head usher judges some values only when all of it is there; in a body it has nothing to wait for.
  const inBody = usher.messages.at(-1)?.whole === false;
  return inBody && node.verdict !== 'more' ? `Node refuses (${node.verdict}), usher waits` : undefined;
}

/** What is wrong with a request as usher sends it: an independent reader must find exactly what was understood. */
function faultOf({ startLine, body, text }: Forwarded): string | undefined {
  const read = readStrictly(text, 'request');
  if (read.kind !== 'message')
    return `sent: ${read.kind === 'more' ? 'unfinished' : read.why} in ${JSON.stringify(text)}`;
  const same = read.startLine === startLine && read.body === body && read.length === text.length;
  return same ? undefined : `sent: read otherwise, ${JSON.stringify(text)}`;
}

export async function compare(
  side: Side,
  text: string,
): Promise<{ usher: Reading; node: Reading; difference: string | undefined }> {
  const bytes = Buffer.from(text, 'latin1');
  const toHead = side === 'response to HEAD';
  const usher = side === 'request' ? usherReadsRequests(bytes) : usherReadsResponse(bytes, toHead);
  const node = await (side === 'request' ? nodeReadsRequests(bytes) : nodeReadsResponse(bytes, toHead));
  const difference = differenceOf(usher, node);
  return { usher, node, difference: difference ?? usher.forwarded?.map(faultOf).find(fault => fault !== undefined) };
}

/** Which messages case `index` of a run looks at. */
export function caseOf(seed: number, index: number): { side: Side; text: string } {
  const chance = chanceOf(seed, index);
  const side = chance.pick<Side>(['request', 'request', 'request', 'response', 'response', 'response to HEAD']);
  return { side, text: side === 'request' ? makeRequests(chance) : makeResponses(chance) };
}

export interface Finding {
  readonly index: number;
  readonly side: Side;
  readonly difference: string;
  /** The smallest text found that still differs. */
  readonly text: string;
}

/** Takes pieces out for as long as the readings still differ. */
async function shrink(side: Side, text: string): Promise<string> {
  let small = text;
  for (let size = Math.ceil(text.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < small.length; ) {
      const less = small.slice(0, at) + small.slice(at + size);
      if ((await compare(side, less)).difference === undefined) at += size;
      else small = less;
    }
  }
  return small;
}

export interface Tally {
  readonly findings: Finding[];
  /** How many messages both understood whole. */
  messages: number;
  /** How often each of usher's verdicts came. */
  readonly verdicts: Map<string, number>;
}

const BATCH = 32;
const ENOUGH = 5;

/** Compares cases `from` to `to` - 1 of a run; stops behind a few findings. */
export async function fuzz(seed: number, from: number, to: number, tally: Tally): Promise<void> {
  for (let start = from; start < to && tally.findings.length < ENOUGH; start += BATCH) {
    const indexes = Array.from({ length: Math.min(BATCH, to - start) }, (_, offset) => start + offset);
    await Promise.all(indexes.map(index => fuzzOne(seed, index, tally)));
  }
}

/** What may end a message that is not whole. */
const ENDINGS = ['\r\n\r\n', '\n', '\r\nHost: a\r\n\r\n', '0\r\n\r\n'] as const;

async function fuzzOne(seed: number, index: number, tally: Tally): Promise<void> {
  const { side, text } = caseOf(seed, index);
  const verdict = await examine(side, text, index, tally);
  if (verdict === 'more') await examine(side, text + ENDINGS[index % ENDINGS.length], index, tally);
}

/** Compares, counts, and answers usher's verdict. */
async function examine(side: Side, text: string, index: number, tally: Tally): Promise<string> {
  const { usher, difference } = await compare(side, text);
  tally.messages += usher.messages.filter(({ whole }) => whole).length;
  tally.verdicts.set(usher.verdict, (tally.verdicts.get(usher.verdict) ?? 0) + 1);
  if (difference === undefined) return usher.verdict;
  const small = await shrink(side, text);
  const told = (await compare(side, small)).difference ?? difference;
  tally.findings.push({ index, side, difference: told, text: small });
  return usher.verdict;
}

export function newTally(): Tally {
  return { findings: [], messages: 0, verdicts: new Map() };
}
