/** From bytes to text, and what is said of files that are none. */
import t from 'tap';
import { decodeText, MAX_FILE_BYTES } from '../../../src/aws/read/decode-text.js';

const utf16 = (text: string, littleEndian: boolean) => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return littleEndian ? bytes : bytes.swap16();
};

t.test('UTF-8 and UTF-16, with a byte order mark or without', async t => {
  t.strictSame(decodeText(Buffer.from('{"é": "\u{1f600}"}\r\n')), { text: '{"é": "\u{1f600}"}\r\n' });
  t.strictSame(decodeText(Buffer.from('\ufeff{}')), { text: '{}' });
  t.strictSame(decodeText(utf16('{"é": 1}', true)), { text: '{"é": 1}' }, 'as PowerShell writes it');
  t.strictSame(decodeText(utf16('{}', false)), { text: '{}' });
});

t.test('what is not text', async t => {
  for (const bytes of [
    [0xc0, 0x80],
    [0x7b, 0xff, 0x7d],
    [0xed, 0xa0, 0x80],
    [0xe2, 0x82],
  ]) {
    t.match(decodeText(Uint8Array.from(bytes)).problem, /^is not text in UTF-8:/);
  }
  t.match(decodeText(Uint8Array.of(0xff, 0xfe, 0x00, 0xd8)).problem, /^is not text in UTF-16LE:/);
  t.match(decodeText(Uint8Array.of(0xff, 0xfe, 0x00)).problem, /^is not text in UTF-16LE:/, 'half a unit');
  t.match(decodeText(Uint8Array.of(0x1f, 0x8b, 8)).problem, /gzip/);
});

t.test('UTF-16 without its mark, UTF-32 and binary files', async t => {
  for (const bytes of [Buffer.from('{}', 'utf16le'), [0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0], [0, 0]]) {
    t.match(decodeText(Uint8Array.from(bytes)).problem, /^holds NUL characters/);
  }
});

t.test('nothing', async t => {
  for (const text of ['', ' \r\n\t', '\ufeff']) t.match(decodeText(Buffer.from(text)).problem, /^is empty/);
});

t.test('too much', async t => {
  const bytes = new Uint8Array(MAX_FILE_BYTES + 1).fill(0x20);
  t.equal(decodeText(bytes).problem, 'has 67108865 bytes, more than 67108864, and was not read');
  t.match(decodeText(bytes.subarray(1)).problem, /^is empty/, 'as much as may be');
});
