import t from 'tap';
import { describeHeader } from '../../src/proxy-header/describe.js';
import { goodHeaders, NLB_HEALTH_CHECK, NLB_IPV4, V1_BARE_UNKNOWN } from '../fixtures/proxy-headers.js';

t.test('the description of an NLB header names the ends, the length and the TLVs', async t => {
  t.strictSame(describeHeader(NLB_IPV4.header, 100), {
    version: 2,
    command: 'PROXY',
    family: 'inet',
    transport: 'stream',
    source: { address: '203.0.113.9', port: 51234 },
    destination: { address: '10.0.1.20', port: 443 },
    length: 100,
    tlvs: [
      { type: '0x03', name: 'CRC32C', length: 4, hex: 'b0fe9840' },
      { type: '0x04', name: 'NOOP', length: 62 },
    ],
  });
});

t.test('an end that is not named is null, so that every member is always there', async t => {
  t.match(describeHeader(NLB_HEALTH_CHECK.header, 100), { command: 'LOCAL', source: null, destination: null });
  t.strictSame(describeHeader(V1_BARE_UNKNOWN.header, 15), {
    version: 1,
    command: 'UNKNOWN',
    family: 'unspec',
    transport: 'unspec',
    source: null,
    destination: null,
    length: 15,
    tlvs: [],
  });
});

t.test('every description is plain JSON', async t => {
  for (const { name, bytes, header } of goodHeaders) {
    const description = describeHeader(header, bytes.length);
    t.strictSame(JSON.parse(JSON.stringify(description)), description, name);
  }
});
