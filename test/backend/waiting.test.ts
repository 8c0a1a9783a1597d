/** Requests that wait: in which turn of the event loop they go on, and that nobody does so twice. */
import t from 'tap';
import { Attempt, type AttemptHost } from '../../src/backend/attempt.js';
import { Waiting } from '../../src/backend/waiting.js';
import { turns } from '../support/sockets.js';

const ASK = { client: '203.0.113.9', key: undefined, session: undefined };
const HOLD_MS = 1_000;

/** Attempts that find no endpoint: each waits again as soon as it has gone on. */
class Queue {
  readonly waiting = new Waiting(HOLD_MS);
  /** Who went on, in order, by number. */
  readonly started: number[] = [];
  readonly told: number[] = [];
  readonly gone = new Set<number>();

  constructor(
    count: number,
    readonly beganAt = performance.now(),
  ) {
    for (let n = 0; n < count; n += 1) this.waiting.add(this.attempt(n));
  }

  attempt(n: number): Attempt {
    const { told, gone } = this;
    const user = {
      get waiting() {
        return !gone.has(n);
      },
      onLease() {},
      onLeaseFailed: () => void told.push(n),
    };
    return new Attempt(this.hostOf(n), ASK, true, user, this.beganAt);
  }

  private hostOf(n: number): AttemptHost {
    return {
      choose: () => {
        this.started.push(n);
        return { kind: 'none' };
      },
      lend: connection => connection,
      dialFor() {},
      mayMove: () => false,
      hold: attempt => this.waiting.add(attempt),
    };
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

t.test('all go on in the order in which they came, some in each turn, and each once', async t => {
  const queue = new Queue(300);
  queue.waiting.resume();
  t.equal(queue.started.length, 0, 'never inside the call');
  const perTurn: number[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    const before = queue.started.length;
    await turns(1);
    perTurn.push(queue.started.length - before);
  }
  t.same(perTurn, [128, 128, 44, 0]);
  t.same(queue.started, numbers(300));
  t.equal(queue.waiting.size, 300, 'they wait again, behind each other');
});

t.test('who leaves or has waited long enough while the others go on does not go on', async t => {
  const queue = new Queue(300);
  queue.waiting.resume();
  await turns(1);
  for (const n of numbers(300).slice(200)) queue.gone.add(n);
  await turns(2);
  t.same(queue.started, numbers(200));
  queue.waiting.sweep(queue.beganAt + HOLD_MS + 1, true);
  t.same(
    queue.told.sort((one, other) => one - other),
    numbers(200),
  );
  t.equal(queue.waiting.size, 0);
  await turns(2);
  t.equal(queue.started.length, 200);
});

t.test('a sweep lets one go on while nobody is up, and all when somebody is', async t => {
  const queue = new Queue(10);
  queue.waiting.sweep(queue.beganAt, false);
  await turns(1);
  t.same(queue.started.splice(0), [0]);
  queue.waiting.sweep(queue.beganAt, true);
  await turns(1);
  t.same(queue.started, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]);
});

t.test('who is served takes all with him once between two sweeps', async t => {
  const queue = new Queue(10);
  for (let served = 0; served < 5; served += 1) {
    queue.waiting.follow();
    await turns(1);
  }
  t.equal(queue.started.length, 10);
  queue.waiting.sweep(queue.beganAt, false);
  queue.waiting.follow();
  await turns(1);
  t.equal(queue.started.length, 21);
});

t.test('at the end all are told, and nobody waits any more', async t => {
  const queue = new Queue(10);
  queue.waiting.resume();
  queue.waiting.end();
  t.same(queue.told, numbers(10));
  await turns(1);
  t.same(queue.started, []);
  t.equal(queue.waiting.size, 0);
  t.notOk(queue.waiting.add(queue.attempt(10)));
});
