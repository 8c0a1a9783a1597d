/** One timer for all deadlines. */
import t from 'tap';
import { Deadlines } from '../../src/limits/deadlines.js';
import type { Timed } from '../../src/timed.js';

/** Counts how often it is called, and is satisfied by the first call. */
class Owner implements Timed {
  calls: number[] = [];

  constructor(public deadlineAt: number) {}

  onDeadline(now: number): void {
    this.calls.push(now);
    this.deadlineAt = Number.POSITIVE_INFINITY;
  }
}

t.test('a sweep calls whose deadline has passed, and no other', async t => {
  const deadlines = new Deadlines();
  const [passed, now, later, never] = [99, 100, 101, Number.POSITIVE_INFINITY].map(at => new Owner(at));
  for (const owner of [passed, now, later, never]) if (owner !== undefined) deadlines.add(owner);
  deadlines.sweep(100);
  t.same(
    [passed, now, later, never].map(owner => owner?.calls),
    [[100], [100], [], []],
  );
  t.equal(deadlines.now, 100);
  deadlines.sweep(200);
  t.same(later?.calls, [200]);
  t.same(passed?.calls, [100], 'once, when it set itself anew');
});

t.test('a deadline counts from the last sweep, and is never early', async t => {
  const deadlines = new Deadlines();
  deadlines.start(40);
  t.teardown(() => deadlines.stop());
  deadlines.sweep(1_000);
  t.equal(deadlines.in(100), 1_140, 'the last sweep may be 40 ms ago');
  t.equal(deadlines.in(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
});

t.test('an owner that does not set itself anew is called by every sweep', async t => {
  const deadlines = new Deadlines();
  let calls = 0;
  deadlines.add({ deadlineAt: 1, onDeadline: () => (calls += 1) });
  for (const now of [1, 2, 3]) deadlines.sweep(now);
  t.equal(calls, 3);
});

t.test('owners may leave and come while a sweep runs', async t => {
  const deadlines = new Deadlines();
  const second = new Owner(1);
  const third = new Owner(1);
  const first = {
    deadlineAt: 1,
    onDeadline() {
      deadlines.delete(first);
      deadlines.delete(second);
      deadlines.add(third);
    },
  };
  deadlines.add(first);
  deadlines.add(second);
  deadlines.sweep(1);
  t.same(second.calls, []);
  t.same(third.calls, [1]);
  t.equal(deadlines.size, 1);
});

t.test('it sweeps by itself from start to stop', async t => {
  const deadlines = new Deadlines();
  // The timer of the deadlines doesn't keep a process alive, so something else must.
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => clearInterval(alive));
  const first = await new Promise<number>(resolve => {
    deadlines.add({ deadlineAt: 0, onDeadline: resolve });
    deadlines.start(1);
  });
  t.ok(first > 0);
  deadlines.stop();
  deadlines.stop();
});
