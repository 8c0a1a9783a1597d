/** Whose PROXY header is believed. */
import t from 'tap';
import { parseCidr } from '../../src/address.js';
import { isTrusted } from '../../src/listener/trust.js';

const sources = ['10.0.0.0/8', '192.0.2.7/32', '2001:db8::/32'].flatMap(text => parseCidr(text) ?? []);

t.test('without sources every peer is trusted', async t => {
  t.ok(isTrusted(undefined, '198.51.100.1'));
});

t.test('with an empty list nobody is', async t => {
  t.notOk(isTrusted([], '10.0.0.1'));
});

t.test('a peer is trusted inside one of the blocks', async t => {
  for (const peer of ['10.0.0.0', '10.255.255.255', '192.0.2.7', '2001:db8:ffff::1'])
    t.ok(isTrusted(sources, peer), peer);
  for (const peer of ['11.0.0.0', '9.255.255.255', '192.0.2.8', '2001:db9::', '::ffff:a00:1', 'nonsense', '']) {
    t.equal(isTrusted(sources, peer), peer === '::ffff:a00:1', peer);
  }
});
