import t from 'tap';
import { decodeProxyHeader } from '../../src/proxy-header/decode.js';
import { type Opening, sniff } from '../../src/proxy-header/sniff.js';
import { fromHex, fromText, goodHeaders } from '../fixtures/proxy-headers.js';

const cases: readonly { readonly name: string; readonly bytes: Uint8Array; readonly looks: Opening }[] = [
  { name: 'nothing', bytes: fromText(''), looks: 'empty' },
  { name: 'a request', bytes: fromText('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), looks: 'http' },
  { name: 'a request that begins with P', bytes: fromText('POST / HTTP/1.1\r\n'), looks: 'http' },
  { name: 'PROPFIND', bytes: fromText('PROPFIND / HTTP/1.1\r\n'), looks: 'http' },
  { name: 'the first byte of a request', bytes: fromText('G'), looks: 'http' },
  { name: 'a method that is cut', bytes: fromText('OPTIO'), looks: 'http' },
  { name: 'a method in lower case', bytes: fromText('get / HTTP/1.1\r\n'), looks: 'unknown' },
  { name: 'a longer word', bytes: fromText('GETS / HTTP/1.1\r\n'), looks: 'unknown' },
  { name: 'the HTTP/2 preface', bytes: fromText('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), looks: 'http2' },
  { name: 'a TLS ClientHello', bytes: fromHex('16030100c8010000c40303'), looks: 'tls' },
  { name: 'a byte like that of TLS', bytes: fromHex('160400'), looks: 'unknown' },
  { name: 'an SSH banner', bytes: fromText('SSH-2.0-OpenSSH_9.6\r\n'), looks: 'ssh' },
  { name: 'a malformed v1 line', bytes: fromText('PROXYTCP4 1.2.3.4\r\n'), looks: 'proxy-v1' },
  { name: 'a v1 line in lower case', bytes: fromText('proxy tcp4 1.2.3.4'), looks: 'proxy-v1' },
  { name: 'a broken v2 signature', bytes: fromHex('0d0a0d0a000d0a515549540b'), looks: 'proxy-v2' },
  { name: 'blank lines', bytes: fromText('\r\n\r\nGET / HTTP/1.1\r\n'), looks: 'unknown' },
  { name: 'zeros', bytes: new Uint8Array(64), looks: 'unknown' },
  { name: 'JSON', bytes: fromText('{"a":1}'), looks: 'unknown' },
];

for (const { name, bytes, looks } of cases) {
  t.test(`${name}: looks like ${looks}, and is no PROXY header`, async t => {
    t.equal(sniff(bytes), looks);
    t.not(decodeProxyHeader(bytes).kind, 'header');
  });
}

t.test('PROXY headers look like what they are', async t => {
  for (const { name, bytes, header } of goodHeaders) t.equal(sniff(bytes), `proxy-v${header.version}`, name);
});
