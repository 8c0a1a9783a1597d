/** When an endpoint is up, when it is left out, and how much of its share it gets. */
import fc from 'fast-check';
import t from 'tap';
import { type Change, Health, type HealthSettings } from '../../src/backend/health.js';

const health = (changes: Partial<HealthSettings> = {}) => new Health({ rise: 2, fall: 3, slowStartMs: 0, ...changes });
const inARow = (count: number, act: () => Change) => Array.from({ length: count }, act);
const same = undefined;

t.test('before anything is known it is used, and not called up', async t => {
  const it = health({ slowStartMs: 1_000 });
  t.equal(it.standing, 'unknown');
  t.notOk(it.up);
  t.ok(it.usable(0));
  t.equal(it.share(0), 1);
});

t.test('the first check counts at once, later ones as often as rise and fall say', async t => {
  const it = health();
  t.equal(it.checkFailed(0), 'down');
  t.notOk(it.usable(0));
  t.strictSame([it.checkPassed(1), it.checkPassed(2), it.checkPassed(3)], [same, 'up', same]);
  t.ok(it.up);
  t.strictSame([it.checkFailed(4), it.checkFailed(5)], [same, same]);
  t.ok(it.usable(5));
  t.equal(it.checkFailed(6), 'down');
  t.notOk(it.up);
  t.equal(health().checkPassed(0), 'up');
});

t.test('only checks in a row count', async t => {
  const it = health();
  it.checkPassed(0);
  t.strictSame(
    inARow(4, () => it.checkFailed(1) ?? it.checkFailed(1) ?? it.checkPassed(1)),
    [same, same, same, same],
  );
  inARow(3, () => it.checkFailed(2));
  t.strictSame(
    inARow(4, () => it.checkPassed(3) ?? it.checkFailed(3)),
    [same, same, same, same],
  );
  t.notOk(it.up);
});

t.test('a dial that stands makes an unknown endpoint up, and the first check may say otherwise at once', async t => {
  const it = health();
  t.equal(it.dialSucceeded(0), 'up');
  t.equal(it.dialSucceeded(1), same);
  t.equal(it.checkFailed(2), 'down');
  t.equal(it.dialSucceeded(3), same, 'checks decide');
  t.notOk(it.usable(3));
});

t.test('the first dial that fails takes it out at once, for a second', async t => {
  const it = health();
  it.checkPassed(0);
  t.equal(it.dialFailed(100), 'down');
  t.equal(it.ejectedUntil, 1_100);
  t.notOk(it.usable(1_099));
  t.ok(it.usable(1_100), 'then it is tried');
  t.notOk(it.up, 'but it is not up before something shows it');
  t.equal(it.dialSucceeded(1_200), 'up');
});

t.test('an endpoint of which nothing is known is ejected, too', async t => {
  const it = health();
  t.equal(it.dialFailed(0), 'down');
  t.equal(it.checkPassed(10), 'up');
});

for (const evidence of ['dialSucceeded', 'checkPassed'] as const) {
  t.test(`${evidence} ends an ejection by a dial that failed`, async t => {
    const it = health();
    it.checkPassed(0);
    it.dialFailed(100);
    t.equal(it[evidence](200), 'up');
    t.ok(it.usable(200));
  });

  t.test(`${evidence} ends an ejection by failed responses when its time is over`, async t => {
    const it = health();
    it.checkPassed(0);
    inARow(5, () => it.responseFailed(100));
    t.equal(it[evidence](1_099), same);
    t.notOk(it.usable(1_099));
    t.equal(it[evidence](1_100), 'up');
    t.ok(it.usable(1_100));
  });
}

t.test('what fails while it is out does not count twice', async t => {
  const it = health();
  it.dialFailed(0);
  t.strictSame(
    inARow(20, () => it.dialFailed(999)),
    Array(20).fill(same),
  );
  t.equal(it.ejectedUntil, 1_000);
});

t.test('five responses in a row that failed take it out', async t => {
  const it = health();
  it.checkPassed(0);
  inARow(4, () => it.responseFailed(1));
  it.responseFine();
  t.strictSame(
    inARow(5, () => it.responseFailed(2)),
    [same, same, same, same, 'down'],
  );
  t.equal(it.ejectedUntil, 1_002);
});

t.test('as long as no response was fine, one more is enough to take it out for longer', async t => {
  const it = health();
  it.checkPassed(0);
  inARow(5, () => it.responseFailed(0));
  it.checkPassed(1_000);
  t.equal(it.responseFailed(60_000), 'down', 'however late');
  t.equal(it.ejectedUntil, 62_000);
  it.checkPassed(62_000);
  it.responseFine();
  t.equal(it.responseFailed(62_001), same);
});

t.test('its time grows from failure to failure, up to half a minute', async t => {
  const it = health();
  let now = 0;
  const lengths = Array.from({ length: 8 }, () => {
    it.dialFailed(now);
    const length = it.ejectedUntil - now;
    now = it.ejectedUntil;
    return length;
  });
  t.same(lengths, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

t.test('its time begins anew when it has worked for as long as it was out the last time', async t => {
  const it = health();
  it.dialFailed(0);
  it.dialFailed(1_000);
  t.equal(it.ejectedUntil, 3_000);
  it.dialSucceeded(2_000);
  it.dialFailed(3_999);
  t.equal(it.ejectedUntil, 7_999, 'not yet');
  it.dialSucceeded(8_000);
  it.dialFailed(12_000);
  t.equal(it.ejectedUntil, 13_000, 'for as long');
  it.dialFailed(60_000);
  t.equal(it.ejectedUntil, 62_000, 'when nothing shows that it works, time alone does not help');
});

t.test('an endpoint that is down and ejected needs both to end', async t => {
  const it = health();
  it.checkPassed(0);
  inARow(5, () => it.responseFailed(0));
  inARow(3, () => it.checkFailed(100));
  t.strictSame([it.checkPassed(200), it.checkPassed(300)], [same, same], 'up for the checks, still ejected');
  t.equal(it.checkPassed(1_000), 'up');
  t.equal(it.dialFailed(5_000), 'down');
  t.strictSame(
    inARow(3, () => it.checkFailed(5_500)),
    [same, same, same],
  );
  t.notOk(it.usable(7_000), 'down for the checks though its time is over');
});

t.test('an endpoint that came up again gets a share that grows', async t => {
  const it = health({ slowStartMs: 10_000, rise: 1, fall: 1 });
  it.checkPassed(0);
  t.equal(it.share(0), 1, 'not at the very first start');
  it.checkFailed(1_000);
  t.equal(it.share(1_000), 0.1);
  t.equal(it.checkPassed(2_000), 'up');
  t.same(
    [2_000, 7_000, 12_000, 99_000].map(now => it.share(now)),
    [0.1, 0.55, 1, 1],
  );
  t.equal(it.share(1_999), 0.1, 'a clock read a little earlier');
  it.dialFailed(20_000);
  t.equal(it.share(21_000), 0.1, 'tried again, nothing shown yet');
  it.dialSucceeded(21_500);
  t.equal(it.share(26_500), 0.55);
  const atOnce = health({ rise: 1, fall: 1 });
  atOnce.checkFailed(0);
  atOnce.checkPassed(1);
  t.equal(atOnce.share(1), 1);
});

t.test('whether it takes connections is told by dials, and by checks that pass', async t => {
  const it = health();
  t.equal(it.connects, undefined);
  it.checkFailed(0);
  t.equal(it.connects, undefined, 'a check may fail for other reasons');
  it.dialSucceeded(1);
  t.same([it.connects, it.usable(1)], [true, false], 'whatever the checks say');
  it.dialFailed(2);
  t.equal(it.connects, false);
  it.checkPassed(3);
  t.equal(it.connects, true);
});

t.test('an endpoint that joins others is used when something has shown that it works', async t => {
  for (const evidence of ['checkPassed', 'dialSucceeded'] as const) {
    const it = health();
    it.join(false);
    t.equal(it.standing, 'unknown');
    t.notOk(it.usable(0));
    t.equal(it[evidence](1), 'up');
    t.ok(it.usable(1));
  }
  const ill = health();
  ill.join(false);
  t.equal(ill.checkFailed(0), 'down');
  t.notOk(ill.usable(0));
  const dead = health();
  dead.join(false);
  t.equal(dead.dialFailed(0), 'down');
  t.notOk(dead.usable(1_000), 'not even when its time is over');
  dead.dialSucceeded(1_001);
  t.ok(dead.usable(1_001));
});

t.test('an endpoint that is new starts slowly, once', async t => {
  const it = health({ slowStartMs: 10_000, rise: 1, fall: 1 });
  it.join(true);
  t.equal(it.share(0), 0.1);
  it.checkPassed(1_000);
  t.same(
    [1_000, 6_000, 11_000].map(now => it.share(now)),
    [0.1, 0.55, 1],
  );
  it.checkPassed(12_000);
  t.equal(it.share(12_000), 1);
  const known = health({ slowStartMs: 10_000 });
  known.join(false);
  known.checkPassed(0);
  t.equal(known.share(0), 1, 'only usher is new');
  const atOnce = health();
  atOnce.join(true);
  t.equal(atOnce.share(0), 1);
});

t.test(
  'whatever happens: changes alternate, its time is bounded, and a dial and checks that pass bring it back',
  async t => {
    const event = fc.constantFrom(
      'checkPassed',
      'checkFailed',
      'dialFailed',
      'dialSucceeded',
      'responseFailed',
      'responseFine',
    );
    const story = fc.array(fc.tuple(event, fc.nat({ max: 3_000 })), { maxLength: 200 });
    fc.assert(
      fc.property(story, fc.boolean(), (events, joins) => {
        const it = health({ slowStartMs: 5_000 });
        if (joins) it.join(true);
        let now = 0;
        let last: Change;
        for (const [name, later] of events) {
          now += later;
          const change = it[name](now) ?? undefined;
          if (change !== undefined && change === last) return false;
          last = change ?? last;
          if (last !== undefined && it.standing !== last) return false;
          if (it.up && !it.usable(now)) return false;
          if (it.ejectedUntil > now + 30_000) return false;
          if (it.share(now) < 0.1 || it.share(now) > 1) return false;
        }
        now += 30_000;
        it.responseFine();
        inARow(2, () => it.checkPassed(now));
        return it.up && it.usable(now) && it.share(now + 5_000) === 1;
      }),
      { seed: 20_261_123, numRuns: 2_000 },
    );
    t.pass();
  },
);
