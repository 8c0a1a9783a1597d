import t from 'tap';
import { decode } from '../../src/cli/decode.js';
import { type Code, causes } from '../../src/codes.js';

const nlb = '0d0a0d0a000d0a515549540a20110054030004bce5951f04004a'.padEnd(200, '0');
const inet = '0d0a0d0a000d0a515549540a2111000ccb0071090a000114c82201bb';
const v1 = 'PROXY TCP4 203.0.113.9 10.0.1.20 51234 443\r\n';
const hexOf = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

async function* pieces(...given: (Uint8Array | string)[]): AsyncGenerator<Uint8Array | string> {
  yield* given;
}

interface Run {
  exitCode: number;
  out: string;
  err: string;
}

async function run(input: string | undefined, ...stdin: (Uint8Array | string)[]): Promise<Run> {
  let out = '';
  let err = '';
  const exitCode = await decode(input, {
    stdin: pieces(...stdin),
    stdout: {
      write: text => {
        out += text;
      },
    },
    stderr: {
      write: text => {
        err += text;
      },
    },
  });
  return { exitCode, out, err };
}

const inetHeader = {
  version: 2,
  command: 'PROXY',
  family: 'inet',
  source: { address: '203.0.113.9', port: 51234 },
  destination: { address: '10.0.1.20', port: 443 },
  length: 28,
  rest: { length: 0, hex: '' },
};

const pairs = inet.match(/../g) ?? [];
const rows = [pairs.slice(0, 16), pairs.slice(16)];
const words = (row: readonly string[]): string => row.join('').replace(/....(?=.)/g, '$& ');
const column = '  ........QUIT.!..';
const dump = (line: (offset: string, row: readonly string[]) => string): string =>
  rows.map((row, at) => line((16 * at).toString(16), row)).join('\n');

const dresses: readonly { name: string; text: string }[] = [
  { name: 'plain hex', text: inet },
  { name: 'upper case', text: inet.toUpperCase() },
  { name: 'spaces', text: pairs.join(' ') },
  { name: 'colons', text: pairs.join(':') },
  { name: 'a line end at the end', text: `${inet}\n` },
  { name: 'several lines', text: pairs.join('\r\n') },
  { name: '0x in front', text: `0x${inet}` },
  { name: 'a C array', text: pairs.map(pair => `0x${pair}`).join(', ') },
  { name: 'backslash x', text: pairs.map(pair => `\\x${pair}`).join('') },
  { name: 'xxd', text: dump((offset, row) => `${offset.padStart(8, '0')}: ${words(row).padEnd(39)}${column}`) },
  { name: 'tcpdump -x', text: dump((offset, row) => `\t0x${offset.padStart(4, '0')}:  ${words(row)}`) },
  { name: 'od', text: `${dump((offset, row) => `${offset.padStart(6, '0')} ${row.join(' ')}`)}\n00001c\n` },
  {
    name: 'hexdump -C',
    text: `${dump(
      (offset, row) =>
        `${offset.padStart(8, '0')}  ${row.slice(0, 8).join(' ')}  ${row.slice(8).join(' ')}  |.....QUIT |.|`,
    )}\n0000001c\n`,
  },
];

for (const { name, text } of dresses) {
  t.test(`reads ${name}`, async t => {
    const fromArgument = await run(text);
    t.match({ ...fromArgument, out: JSON.parse(fromArgument.out) }, { exitCode: 0, err: '', out: inetHeader });
    t.same(await run(undefined, text.slice(0, 7), text.slice(7)), fromArgument, 'and from standard input, in pieces');
  });
}

t.test('reads the lines that hexdump writes as a star', async t => {
  const text = [
    '00000000  0d 0a 0d 0a 00 0d 0a 51  55 49 54 0a 20 11 00 54  |.......QUIT. ..T|',
    '00000010  03 00 04 bc e5 95 1f 04  00 4a 00 00 00 00 00 00  |.........J......|',
    '00000020  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|',
    '*',
    '00000060  00 00 00 00                                       |....|',
    '00000064',
  ].join('\n');
  t.same(await run(text), await run(nlb));
});

t.test('skips the IP and TCP headers of a tcpdump -x line', async t => {
  const ip4 = `45000050000040004006${'00'.repeat(10)}${'00'.repeat(12)}50180200${'00'.repeat(4)}`;
  const ip6 = `6000000000300640${'00'.repeat(32)}${'00'.repeat(12)}80180200${'00'.repeat(16)}`;
  const said = '12:00:00.000001 IP 10.0.0.1.51234 > 10.0.1.20.8080: Flags [P.], length 28\n';
  for (const packet of [`${ip4}${inet}`, `${ip6}${inet}`]) {
    const lines = packet.match(/.{1,32}/g) ?? [];
    const text = lines
      .map((line, at) => `\t0x${(16 * at).toString(16).padStart(4, '0')}:  ${line.replace(/....(?=.)/g, '$& ')}`)
      .join('\n');
    for (const input of [text, `${said}${text}`]) {
      const { exitCode, out } = await run(input);
      t.equal(exitCode, 0);
      t.match(JSON.parse(out), inetHeader);
    }
  }
});

t.test('reads the header itself, of both versions', async t => {
  const binary = Buffer.concat([Buffer.from(inet, 'hex'), Buffer.from('GET / HTTP/1.1\r\n')]);
  const v2Run = await run(undefined, binary.subarray(0, 3), binary.subarray(3));
  t.match(JSON.parse(v2Run.out), { ...inetHeader, rest: { length: 16, looksLike: 'http' } });
  const v1Run = await run(undefined, v1);
  t.match(JSON.parse(v1Run.out), { version: 1, command: 'PROXY', length: v1.length, source: inetHeader.source });
  t.same(await run(hexOf(v1)), v1Run, 'the same as its hex');
});

t.test('shows the health check of an NLB as LOCAL with its TLVs', async t => {
  const { exitCode, out } = await run(`${nlb}${hexOf('GET /healthz HTTP/1.1\r\n')}`);
  t.equal(exitCode, 0);
  const json = JSON.parse(out);
  t.match(json, { version: 2, command: 'LOCAL', source: null, destination: null, length: 100 });
  t.match(json.rest, { hex: hexOf('GET /healthz HTTP/1.1\r\n'), looksLike: 'http' });
  t.equal(json.tlvs.length, 2);
});

t.test('names a second header in the rest', async t => {
  t.match(JSON.parse((await run(`${inet}${inet}`)).out).rest, { length: 28, looksLike: 'proxy-v2' });
  t.match(JSON.parse((await run(`${inet}160301`)).out).rest, { length: 3, looksLike: 'tls' });
});

t.test('lets nothing through that a terminal obeys', async t => {
  const tlv = `02000b${hexOf('\x1b[31ma')}c29be280ae`;
  const { exitCode, out } = await run(`0d0a0d0a000d0a515549540a2111001acb0071090a000114c82201bb${tlv}`);
  t.equal(exitCode, 0);
  t.notMatch(out, /[^\n -~]/);
});

const bads: readonly { hex: string; code: Code; also?: RegExp }[] = [
  { hex: hexOf('GET / HTTP/1.1\r\n\r\n'), code: 'header-missing', also: /looks like http/ },
  { hex: '1603010200', code: 'header-missing', also: /looks like tls/ },
  { hex: hexOf('PROXY TCP4 999.0.0.1 10.0.0.1 1 2\r\n'), code: 'header-malformed' },
  { hex: inet.replace('540a21', '540a31'), code: 'header-version' },
  { hex: inet.replace('540a21', '540a22'), code: 'header-command' },
  { hex: inet.replace('2111', '2141'), code: 'header-family' },
  { hex: `${inet.slice(0, 28)}0008${'00'.repeat(8)}`, code: 'header-length' },
  { hex: nlb.replace('bce5951f', 'bce5951e'), code: 'header-crc' },
  { hex: `${inet.replace('11000c', '11000e')}0400`, code: 'header-tlv' },
];

for (const { hex, code, also } of bads) {
  t.test(`says ${code} in words`, async t => {
    const { exitCode, out, err } = await run(hex);
    t.equal(exitCode, 1);
    t.equal(out, '');
    t.ok(err.includes(code) && err.includes(causes[code].text), err);
    t.match(err, also ?? /^usher decode: .*\n$/);
  });
}

t.test('says how much of a header is there', async t => {
  t.match(await run(inet.slice(0, 40)), {
    exitCode: 1,
    out: '',
    err: /20 bytes are there.*more are needed \(28 in all\)/,
  });
  t.match(await run('0d'), { exitCode: 1, err: /1 byte is there.*\(16 at least\)/ });
  t.match(await run('PROXY TCP4 203.0.113.9'), { exitCode: 1, err: /22 bytes are there.*CR LF/ });
});

const unreadable: readonly { name: string; input: string; err: RegExp }[] = [
  { name: 'nothing', input: '', err: /no hex digits/ },
  { name: 'a letter', input: '0d0g', err: /"g" is not a hex digit/ },
  { name: 'half a byte', input: '0d0', err: /odd number/ },
  { name: 'an escape character', input: '0d\x1b[2J', err: /^usher decode: [ -~]*\n$/ },
  { name: 'a dump whose offsets do not fit', input: '0000: 0d0a\n0003: 0d0a', err: /looks like a dump/ },
  { name: 'more than 1 MiB', input: '0d'.repeat(600_000), err: /1 MiB/ },
];

for (const { name, input, err } of unreadable) {
  t.test(`exits with 64 for ${name}`, async t => {
    t.match(await run(undefined, input), { exitCode: 64, out: '', err });
  });
}
