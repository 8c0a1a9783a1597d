import t from 'tap';
import { crc32c, crc32cWithout } from '../../src/proxy-header/crc32c.js';
import { fromHex, fromText, NLB_HEALTH_CHECK, NLB_IPV4, NLB_IPV6, PRIVATE_LINK } from '../fixtures/proxy-headers.js';

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

t.test('the checksum of known inputs (RFC 3720 B.4 and the check value of CRC-32C)', async t => {
  const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
  const cases = [
    { bytes: fromText('123456789'), sum: 0xe3069283 },
    { bytes: new Uint8Array(), sum: 0 },
    { bytes: fromHex('', 32), sum: 0x8a9136aa },
    { bytes: new Uint8Array(32).fill(0xff), sum: 0x62a8ab43 },
    { bytes: ascending, sum: 0x46dd794e },
    { bytes: ascending.toReversed(), sum: 0x113fdb5c },
  ];
  for (const { bytes, sum } of cases) t.equal(crc32c(viewOf(bytes)), sum);
});

t.test('the bytes behind the end do not count, nor does where the view begins', async t => {
  const bytes = fromText('xx123456789yy');
  t.equal(crc32c(viewOf(bytes.subarray(2)), 9), 0xe3069283);
});

t.test('the checksum of a header is taken as if its own four bytes were zero (PP 2.2.3)', async t => {
  const cases = [
    { name: NLB_IPV4.name, bytes: NLB_IPV4.bytes, at: 31 },
    { name: NLB_IPV6.name, bytes: NLB_IPV6.bytes, at: 55 },
    { name: NLB_HEALTH_CHECK.name, bytes: NLB_HEALTH_CHECK.bytes, at: 19 },
    { name: PRIVATE_LINK.name, bytes: PRIVATE_LINK.bytes, at: 31 },
  ];
  for (const { name, bytes, at } of cases) {
    const view = viewOf(bytes);
    const zeroed = Uint8Array.from(bytes);
    zeroed.fill(0, at, at + 4);
    t.equal(crc32cWithout(view, at), view.getUint32(at), name);
    t.equal(crc32c(viewOf(zeroed)), view.getUint32(at), name);
  }
});
