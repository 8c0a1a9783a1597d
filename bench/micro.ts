/**
 * Nanoseconds and allocated bytes per decode of a PROXY header, per scan of a request head and per head written for a
 * backend: `npm run bench:micro`. Medians of several rounds; figures of one run can be compared, others can't.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { scanRequestHead } from '../src/http/request-head.js';
import { ForwardedFields, writeRequestHead } from '../src/http/write-head.js';
import { Outbox } from '../src/outbox.js';
import { decodeProxyHeader } from '../src/proxy-header/decode.js';
import { encodeV1, encodeV2 } from '../src/proxy-header/encode.js';

const ROUNDS = 7;
const TIMED = 100_000;
/** Few enough that no collection falls into the measurement of memory. */
const WEIGHED = 2_000;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const ends = {
  source: { address: '203.0.113.9', port: 51_234 },
  destination: { address: '10.0.1.20', port: 443 },
};
const noop = { type: 0x04, value: new Uint8Array(62) };
const v1 = Buffer.from(encodeV1(ends));
const v2 = Buffer.from(encodeV2({ command: 'PROXY', ...ends, tlvs: [noop], crc32c: true }));

const limits = { startLineBytes: 8_192, headBytes: 32_768, headFields: 100 };
const request = Buffer.from(
  'GET /socket.io/?EIO=4&transport=polling&t=PIIvDUs HTTP/1.1\r\nHost: chat.example.com\r\nConnection: keep-alive\r\n' +
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0\r\nAccept: */*\r\n' +
    'Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nReferer: https://chat.example.com/\r\n' +
    'Cookie: session=0123456789abcdef0123456789abcdef\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\n\r\n',
);
const scanned = scanRequestHead(request, limits);
if (scanned.kind !== 'head') throw new Error('the sample request is not understood');
const { head } = scanned;
const forwarded = new ForwardedFields({ client: ends.source, proto: 'https', port: 443, forwarded: false });

/** As a wire gathers a head, with nobody to send it to. */
const outbox = new Outbox();
const nobody = { queued: false, destroyed: false, write: () => {} };
const headSink = {
  write: (text: string) => outbox.put(nobody, text),
  writePart: (source: Buffer | string, from: number, to: number) => outbox.putPart(nobody, source, from, to),
};

function writeHead(): number {
  const count = writeRequestHead(headSink, head, forwarded, '127.0.0.1:3000');
  outbox.flushFor(nobody);
  return count;
}

const jobs: Readonly<Record<string, () => unknown>> = {
  'decode a PROXY v1 line': () => decodeProxyHeader(v1),
  [`decode a PROXY v2 header of an NLB (${v2.length} bytes, CRC32C)`]: () => decodeProxyHeader(v2),
  [`scan a request head (${request.length} bytes, 10 fields)`]: () => scanRequestHead(request, limits),
  'write that head for the backend': writeHead,
};

let sink: unknown;

function nanoseconds(job: () => unknown): number {
  const startedAt = process.hrtime.bigint();
  for (let i = 0; i < TIMED; i += 1) sink = job();
  return Number(process.hrtime.bigint() - startedAt) / TIMED;
}

function allocated(job: () => unknown): number {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < WEIGHED; i += 1) sink = job();
  return (process.memoryUsage().heapUsed - before) / WEIGHED;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function rounds(measure: (job: () => unknown) => number, job: () => unknown): string {
  return median(Array.from({ length: ROUNDS }, () => measure(job))).toFixed(0);
}

process.stdout.write(`Node ${process.version}, medians of ${ROUNDS} rounds\n`);
for (const [name, job] of Object.entries(jobs)) {
  nanoseconds(job);
  process.stdout.write(
    `${rounds(nanoseconds, job).padStart(7)} ns ${rounds(allocated, job).padStart(6)} bytes  ${name}\n`,
  );
}
if (sink === undefined) throw new Error('nothing was measured');
