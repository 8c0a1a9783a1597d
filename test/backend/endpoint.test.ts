/** What an endpoint remembers while DNS leaves it out. */
import t from 'tap';
import { Endpoint } from '../../src/backend/endpoint.js';

function endpoint(): Endpoint {
  const owner = { changed() {}, learn() {} };
  const options = { rise: 1, fall: 1, slowStartMs: 0, idleMs: 1_000, maxIdle: 1 };
  return new Endpoint({ host: '10.0.0.1', port: 3000, weight: 1 }, 'dns:chat.test:3000', owner, options);
}

t.test(
  'it goes on draining when DNS has left it out for a moment, and not when another one has its address',
  async t => {
    for (const [awayMs, drains] of [
      [0, true],
      [300_000, true],
      [300_001, false],
    ] as const) {
      const it = endpoint();
      it.draining = true;
      it.close(1_000);
      it.reopen(1_000 + awayMs);
      t.equal(it.draining, drains, `${awayMs} ms`);
      t.notOk(it.closed);
    }
  },
);

t.test('while it is left out it answers those whom it knows, until it has failed', async t => {
  const it = endpoint();
  it.close(0);
  t.ok(it.answers(0), 'nobody has tried it yet');
  it.health.checkPassed(0);
  t.ok(it.answers(0));
  it.health.dialFailed(1);
  t.notOk(it.answers(1));
  t.notOk(it.answers(60_000), 'nor later');
  it.reopen(60_000);
  t.ok(it.answers(60_000), 'its time is over, and it is checked');
});
