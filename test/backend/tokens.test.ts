import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { Tokens } from '../../src/backend/tokens.js';

const ONE = { label: '10.0.0.1:3000' };
const TWO = { label: '10.0.0.2:3000' };

function tokensOf(backend: string, secret: string | undefined): Tokens<{ readonly label: string }> {
  const tokens = new Tokens(backend, secret);
  tokens.swap([ONE, TWO]);
  return tokens;
}

t.test('a token names its endpoint', async t => {
  const tokens = tokensOf('chat', 'secret');
  t.equal(tokens.find(tokens.tokenFor(ONE)), ONE);
  t.equal(tokens.find(tokens.tokenFor(TWO)), TWO);
  t.not(tokens.tokenFor(ONE), tokens.tokenFor(TWO));
});

t.test('a token is the first half of an HMAC-SHA256 in base64url', async t => {
  const digest = createHmac('sha256', 'secret').update('chat\n10.0.0.1:3000').digest().subarray(0, 16);
  t.equal(tokensOf('chat', 'secret').tokenFor(ONE), digest.toString('base64url'));
  t.match(digest.toString('base64url'), /^[A-Za-z0-9_-]{22}$/);
});

t.test('every usher with the same secret gives the same tokens, and no other', async t => {
  const token = tokensOf('chat', 'secret').tokenFor(ONE);
  t.equal(tokensOf('chat', 'secret').tokenFor(ONE), token);
  for (const other of [tokensOf('chat', 'Secret'), tokensOf('web', 'secret'), tokensOf('chat', undefined)]) {
    t.not(other.tokenFor(ONE), token);
    t.equal(other.find(token), undefined);
  }
});

t.test('without a secret tokens last as long as the process', async t => {
  const token = tokensOf('chat', undefined).tokenFor(ONE);
  t.equal(tokensOf('chat', undefined).find(token), ONE);
});

t.test('only endpoints that there are can be named', async t => {
  const tokens = new Tokens<{ readonly label: string }>('chat', 'secret');
  const token = tokens.tokenFor(ONE);
  t.equal(tokens.find(token), undefined, 'none yet');
  tokens.swap([ONE, TWO]);
  t.equal(tokens.find(token), ONE);
  tokens.swap([TWO]);
  t.equal(tokens.find(token), undefined, 'it has gone');
  t.equal(tokens.tokenFor(ONE), token, 'its token is still the same');
  const again = { ...ONE };
  tokens.swap([again]);
  t.equal(tokens.find(token), again, 'it has come back, as another object');
});

t.test('of several tokens the first that names an endpoint counts', async t => {
  const tokens = tokensOf('chat', 'secret');
  const [one, two] = [tokens.tokenFor(ONE), tokens.tokenFor(TWO)];
  t.equal(tokens.find(`stale ${two}`), TWO);
  t.equal(tokens.find(`${two} stale`), TWO);
  t.equal(tokens.find(`stale ${two} ${one}`), TWO);
  t.equal(tokens.find('stale rotten'), undefined);
  t.equal(tokens.find(' '), undefined);
});

t.test('a client misses the token of an endpoint unless what it sent leads there', async t => {
  const tokens = tokensOf('chat', 'secret');
  const [one, two] = [tokens.tokenFor(ONE), tokens.tokenFor(TWO)];
  for (const session of [one, `stale ${one}`, `${one} ${two}`])
    t.equal(tokens.missing(ONE, session), undefined, session);
  for (const session of [undefined, 'stale', two, `${two} ${one}`])
    t.equal(tokens.missing(ONE, session), one, String(session));
  tokens.swap([TWO]);
  t.equal(tokens.missing(ONE, one), undefined, 'it has gone, and the client knows it still');
});

t.test('a made-up token names nothing', async t => {
  const tokens = tokensOf('chat', 'secret');
  const made = ['', ONE.label, '__proto__', 'constructor', Buffer.from(ONE.label).toString('base64url')];
  for (const token of made) t.equal(tokens.find(token), undefined);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), token => tokens.find(token) === undefined),
    { seed: 20_261_123 },
  );
});
