import t from 'tap';
import { fanOut } from '../../src/observe/fan-out.js';
import { silent } from '../../src/observe/silent.js';
import type { Observer } from '../../src/observer.js';
import { connection, exchange, tunnel } from './records.js';

/** Tells an observer one event of each kind. */
function tellAll(observer: Observer): void {
  observer.connectionOpened(connection());
  observer.headerSettled(connection(), 'v2', 'LOCAL');
  observer.refused(connection(), 'header-missing', 'http');
  observer.probeSeen(connection(), 'self');
  observer.exchangeEnded(exchange());
  observer.tunnelOpened(tunnel());
  observer.tunnelClosed(tunnel());
  observer.dialEnded('pool', '127.0.0.1:3000', 2, 'backend-unreachable');
  observer.endpointChanged('pool', '127.0.0.1:3000', false, 'ECONNREFUSED');
  observer.lookupSettled('pool', 'chat.internal', 'A ESERVFAIL');
  observer.connectionClosed(connection());
}

/** An observer that notes each call and its arguments, and then does `after`. */
function recorder(after: () => void = () => {}): { calls: unknown[][]; observer: Observer } {
  const calls: unknown[][] = [];
  const observer = { ...silent };
  for (const method of Object.keys(silent) as (keyof Observer)[]) {
    observer[method] = (...given: unknown[]) => {
      calls.push([method, ...given]);
      after();
    };
  }
  return { calls, observer };
}

const expected = recorder();
tellAll(expected.observer);

t.test('none: everything is taken and nothing happens', async t => {
  t.doesNotThrow(() => tellAll(fanOut([])));
});

t.test('others may be told from now on; one that stays has its first fault reported once', async t => {
  const broken = recorder(() => {
    throw new Error('broken');
  });
  const faults: unknown[] = [];
  const told = fanOut([broken.observer], fault => faults.push(fault));
  tellAll(told);
  const added = recorder();
  told.swap([added.observer, broken.observer]);
  tellAll(told);
  told.swap([added.observer]);
  tellAll(told);
  t.equal(broken.calls.length, 2 * expected.calls.length);
  t.equal(added.calls.length, 2 * expected.calls.length);
  t.equal(faults.length, 1);
});

t.test('one and many are told every event with every argument', async t => {
  t.equal(expected.calls.length, Object.keys(silent).length);
  const one = recorder();
  tellAll(fanOut([one.observer]));
  t.strictSame(one.calls, expected.calls);
  const many = [recorder(), recorder(), recorder()];
  tellAll(fanOut(many.map(({ observer }) => observer)));
  for (const { calls } of many) t.strictSame(calls, expected.calls);
});

t.test('one that throws hurts neither the caller nor the others, and goes on being told', async t => {
  const broken = recorder(() => {
    throw new Error('broken');
  });
  const sound = recorder();
  const faults: unknown[] = [];
  tellAll(fanOut([broken.observer, sound.observer], fault => faults.push(fault)));
  t.strictSame(sound.calls, expected.calls);
  t.strictSame(broken.calls, expected.calls);
  t.match(faults, [{ message: 'broken' }]);
  t.equal(faults.length, 1, 'the first fault is reported, not one per event');
});

t.test('a report that throws, or is not there, hurts nobody', async t => {
  const broken = recorder(() => {
    throw new Error('broken');
  });
  tellAll(fanOut([broken.observer]));
  tellAll(
    fanOut([broken.observer], () => {
      throw new Error('worse');
    }),
  );
  t.equal(broken.calls.length, 2 * expected.calls.length);
});
