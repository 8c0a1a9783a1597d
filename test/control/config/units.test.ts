import fc from 'fast-check';
import t from 'tap';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../../src/control/config/units.js';

t.test('durations', async t => {
  const table: [string, number | undefined][] = [
    ['250ms', 250],
    ['5s', 5000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['0s', 0],
    ['-5s', -5000],
    ['5', undefined],
    ['5 s', undefined],
    ['1.5s', undefined],
    ['5S', undefined],
    ['5d', undefined],
    ['', undefined],
    ['s', undefined],
    ['1h30m', undefined],
    ['9999999999999s', undefined],
  ];
  for (const [text, expected] of table) t.equal(parseDuration(text), expected, text);
});

t.test('sizes', async t => {
  const table: [string | number, number | undefined][] = [
    ['16KiB', 16_384],
    ['1MiB', 1_048_576],
    ['1GiB', 1_073_741_824],
    ['10B', 10],
    ['4112', 4112],
    [4112, 4112],
    [0.5, undefined],
    [Number.NaN, undefined],
    ['16KB', undefined],
    ['16k', undefined],
    ['16 KiB', undefined],
    ['', undefined],
  ];
  for (const [input, expected] of table) t.equal(parseSize(input), expected, String(input));
});

t.test('what is formatted is read back', async t => {
  fc.assert(fc.property(fc.nat(), value => parseDuration(formatDuration(value)) === value));
  fc.assert(fc.property(fc.nat(), value => parseSize(formatSize(value)) === value));
  t.equal(formatDuration(90_000), '90s');
  t.equal(formatDuration(120_000), '2m');
  t.equal(formatDuration(0), '0s');
  t.equal(formatSize(4112), '4112');
  t.equal(formatSize(32_768), '32KiB');
});
