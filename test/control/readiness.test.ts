/** When usher is ready, and what it says while it isn't. */
import t from 'tap';
import { ReadinessGate } from '../../src/control/readiness.js';
import type { BackendStatus, EndpointStatus, ProxyStatus } from '../../src/status.js';

const STATES = { unknown: { settled: false }, up: { up: true, settled: true }, down: { settled: true } };
type State = keyof typeof STATES;

function endpoint(state: State): EndpointStatus {
  const calm = { address: '127.0.0.1:1', origin: undefined, up: false, draining: false, active: 0, idle: 0 };
  return { ...calm, ...STATES[state] };
}

/** `{ a: 'up down' }`: a backend of two endpoints; `?` in front: DNS is still being asked. */
function statusOf(backends: Readonly<Record<string, string>>, state: ProxyStatus['state'] = 'running'): ProxyStatus {
  const made = Object.entries(backends).map(([name, states]): BackendStatus => {
    const endpoints = states.match(/\w+/g) ?? [];
    return { name, lookingUp: states.startsWith('?'), endpoints: endpoints.map(state => endpoint(state as State)) };
  });
  return { state, listeners: [], backends: made };
}

/** What a gate says of one status after the other: `ready`, or why not. */
function said(...rounds: readonly Readonly<Record<string, string>>[]): string {
  const gate = new ReadinessGate(Object.keys(rounds[0] ?? {}).map(name => ({ name })));
  let words = '';
  for (const round of rounds) {
    const readiness = gate.judge(statusOf(round));
    words = typeof readiness === 'boolean' ? `ready: ${readiness}` : readiness.why;
  }
  return words;
}

const READY = 'ready: true';
const NONE_UP = 'no backend is up';
const waiting = (names: string) => `starting: waiting for ${names}`;

t.test('at the start every backend is waited for, until it is known whether it works', async t => {
  const cases: readonly (readonly [backends: Readonly<Record<string, string>>, words: string])[] = [
    [{ a: 'up' }, READY],
    [{ a: 'unknown' }, waiting('backend a')],
    [{ a: 'down' }, NONE_UP],
    [{ a: 'up', b: 'unknown' }, waiting('backend b')],
    [{ a: 'up', b: 'down' }, READY],
    [{ a: 'up', b: 'down unknown' }, waiting('backend b')],
    [{ a: 'up', b: 'down down' }, READY],
    [{ a: 'up unknown', b: 'unknown up' }, READY],
    [{ a: 'up', b: '?' }, waiting('backend b')],
    [{ a: 'up', b: '? down' }, waiting('backend b')],
    [{ a: 'up', b: '? up' }, READY],
    [{ a: 'up', b: '' }, READY],
    [{ a: '' }, NONE_UP],
    [{ a: 'down', b: 'down' }, NONE_UP],
    [{ a: 'unknown', b: 'up', c: 'unknown' }, waiting('backends a, c')],
    [{ a: '?', b: '?', c: '?', d: '?', e: '?' }, waiting('backends a, b, c and 2 more')],
  ];
  for (const [backends, words] of cases) t.equal(said(backends), words, JSON.stringify(backends));
});

t.test('a backend is waited for once', async t => {
  t.equal(said({ a: 'up', b: 'unknown' }, { a: 'up', b: 'up' }), READY);
  t.equal(said({ a: 'up', b: 'up' }, { a: 'up', b: 'down' }), READY);
  t.equal(said({ a: 'up', b: 'up' }, { a: 'up', b: 'unknown' }), READY, 'an endpoint that DNS found later');
  t.equal(said({ a: 'up', b: 'up' }, { a: 'down', b: 'down' }), NONE_UP);
  t.equal(said({ a: 'up', b: 'up' }, { a: 'down', b: 'unknown' }), NONE_UP);
  t.equal(said({ a: 'down' }, { a: 'unknown' }), NONE_UP);
  t.equal(said({ a: 'up', b: 'unknown' }, { a: 'up' }), READY, 'a reload has removed the other one');
  t.equal(said({ a: 'up' }, { a: 'up', b: 'unknown' }), READY, 'a reload has brought one');
  t.equal(said({ a: 'up', b: 'unknown' }, { a: 'down', b: 'unknown' }, { a: 'down', b: 'up' }), READY);
});

t.test('outside of its running state it says that state', async t => {
  const gate = new ReadinessGate([{ name: 'a' }]);
  for (const state of ['starting', 'draining', 'closed'] as const)
    t.strictSame(gate.judge(statusOf({ a: 'up' }, state)), { ready: false, why: state });
});
