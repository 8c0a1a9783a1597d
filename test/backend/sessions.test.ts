import fc from 'fast-check';
import t from 'tap';
import { Sessions } from '../../src/backend/sessions.js';

t.test('a session is found on the endpoint that opened it', async t => {
  const sessions = new Sessions<string>();
  t.equal(sessions.find('a', 0), undefined);
  sessions.learn('a', 'one', 1_000, 0);
  sessions.learn('b', 'two', 1_000, 0);
  t.equal(sessions.find('a', 10), 'one');
  t.equal(sessions.find('b', 10), 'two');
  t.equal(sessions.find('c', 10), undefined);
  t.equal(sessions.size, 2);
});

t.test('whoever asks finds the endpoint itself, so that he sees what became of it', async t => {
  const endpoint = { up: true };
  const sessions = new Sessions<{ up: boolean }>();
  sessions.learn('a', endpoint, 1_000, 0);
  endpoint.up = false;
  t.equal(sessions.find('a', 1), endpoint);
});

t.test('an id that is learnt anew belongs to the new endpoint', async t => {
  const sessions = new Sessions<string>(2);
  sessions.learn('a', 'one', 1_000, 0);
  sessions.learn('b', 'two', 1_000, 0);
  sessions.learn('a', 'three', 500, 0);
  t.equal(sessions.size, 2);
  sessions.learn('c', 'four', 1_000, 0);
  t.equal(sessions.find('b', 1), undefined, 'b is the oldest by then');
  t.equal(sessions.find('a', 499), 'three');
});

t.test('a session expires when nobody asks for it', async t => {
  const sessions = new Sessions<string>();
  sessions.learn('a', 'one', 1_000, 0);
  t.equal(sessions.find('a', 999), 'one');
  t.equal(sessions.find('a', 1_998), 'one', 'the first find renewed it');
  t.equal(sessions.find('a', 2_998), undefined);
  t.equal(sessions.size, 0, 'it was dropped when it was found expired');
});

t.test('a full table forgets what was used longest ago', async t => {
  const sessions = new Sessions<string>(3);
  for (const id of ['a', 'b', 'c']) sessions.learn(id, id, 1_000, 0);
  sessions.find('a', 1);
  sessions.learn('d', 'd', 1_000, 2);
  t.equal(sessions.size, 3);
  t.strictSame(
    ['a', 'b', 'c', 'd'].map(id => sessions.find(id, 3)),
    ['a', undefined, 'c', 'd'],
  );
});

t.test('the table has a hundred thousand places', async t => {
  const sessions = new Sessions<number>();
  for (let i = 0; i < 100_001; i += 1) sessions.learn(`id${i}`, i, 1_000, 0);
  t.equal(sessions.size, 100_000);
  t.equal(sessions.find('id0', 0), undefined);
  t.equal(sessions.find('id1', 0), 1);
  sessions.sweep(1_000);
  t.equal(sessions.size, 99_000, 'a sweep drops a thousand');
});

t.test('a sweep drops what expired, and only so much at once', async t => {
  const sessions = new Sessions<string>();
  for (const id of ['a', 'b', 'c', 'd']) sessions.learn(id, id, 1_000, 0);
  sessions.find('a', 500);
  sessions.sweep(999);
  t.equal(sessions.size, 4);
  sessions.sweep(1_000, 2);
  t.equal(sessions.size, 2);
  sessions.sweep(1_000, 2);
  t.equal(sessions.size, 1);
  t.equal(sessions.find('a', 1_499), 'a');
  sessions.sweep(2_499);
  t.equal(sessions.size, 0);
  sessions.sweep(2_499);
});

/** One step: learn or find an id after some time. */
const step = fc.record({
  learn: fc.boolean(),
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  endpoint: fc.nat(3),
  afterMs: fc.nat(60),
});

t.test('it does as a plain list would', async () => {
  const most = 3;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const sessions = new Sessions<number>(most);
      let model: { id: string; endpoint: number; expiresAt: number }[] = [];
      let now = 0;
      return steps.every(({ learn, id, endpoint, afterMs }) => {
        now += afterMs;
        const known = model.find(entry => entry.id === id && now < entry.expiresAt);
        const renewed = learn ? endpoint : known?.endpoint;
        model = model.filter(entry => entry.id !== id);
        if (renewed !== undefined) model = [...model, { id, endpoint: renewed, expiresAt: now + 100 }].slice(-most);
        if (learn) sessions.learn(id, endpoint, 100, now);
        else if (sessions.find(id, now) !== known?.endpoint) return false;
        return sessions.size === model.length;
      });
    }),
    { seed: 20_261_123, numRuns: 2_000 },
  );
});
