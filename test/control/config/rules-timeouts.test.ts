import t from 'tap';
import { loadConfigText, type Surroundings } from '../../../src/control/config/load.js';
import { lastAskedAfter, longestDrain } from '../../../src/control/config/rules-timeouts.js';

const withKeys = (keys: string, more = '') =>
  `listeners:\n  a: { listen: 80, backendPort: 1, trustedSources: [10.0.0.0/8]${keys} }\n${more}`;

function told(text: string, around?: Surroundings): readonly string[] {
  const result = loadConfigText(text, 'usher.yaml', around);
  return [...(result.ok ? [] : result.problems), ...result.warnings].map(
    ({ rule, severity, line, column, path, message }) => `${severity} ${rule} ${line}:${column} ${path}: ${message}`,
  );
}

interface Case {
  readonly name: string;
  readonly text: string;
  readonly around?: Surroundings;
  /** The beginnings of what is told. */
  readonly expect: readonly string[];
}

const DRAIN = 'warning drain-timeout-short 3:10 drain.timeout: ';

const cases: readonly Case[] = [
  { name: 'the defaults fit', text: withKeys(''), expect: [] },
  {
    name: 'the defaults fit a CLB, and 30s as in ECS and Kubernetes',
    text: withKeys(''),
    around: { stopTimeoutMs: 30_000, idleTimeoutMs: 60_000 },
    expect: [],
  },

  {
    name: 'drain-timeout-short: as long as its steps is too short',
    text: withKeys('', 'drain: { timeout: 15s }\n'),
    expect: [
      `${DRAIN}15s are over before deregisterDelay 5s and closeOver 10s are, so connections are cut that were not asked to leave, or could not answer: set timeout above 15s, or the others lower`,
    ],
  },
  { name: 'drain-timeout-short: a little more is enough', text: withKeys('', 'drain: { timeout: 16s }\n'), expect: [] },
  {
    name: 'drain-timeout-short: without a Close frame closeOver does not count',
    text: withKeys('', 'drain: { timeout: 6s, style: none }\n'),
    expect: [],
  },
  {
    name: 'drain-timeout-short: but deregisterDelay does',
    text: withKeys('', 'drain: { timeout: 5s, style: none }\n'),
    expect: [`${DRAIN}5s are over before deregisterDelay 5s are, so `],
  },
  {
    name: 'drain-timeout-short: a refused key is not told again',
    text: withKeys('', 'drain: { timeout: 5s, closeOver: x }\n'),
    expect: ['error invalid-duration 3:23 drain.closeOver: '],
  },

  {
    name: 'drain-exceeds-stop-timeout: two seconds are kept for the end',
    text: withKeys('', 'drain: { timeout: 29s }\n'),
    around: { stopTimeoutMs: 30_000 },
    expect: [
      'warning drain-exceeds-stop-timeout 3:10 drain.timeout: 29s and 2s to end are more than the 30s until SIGKILL, which cuts what is still open and loses the end of the log: raise stopTimeout (ECS, up to 120s), terminationGracePeriodSeconds or TimeoutStopSec to 31s or more, or set timeout to 28s or less',
    ],
  },
  {
    name: 'drain-exceeds-stop-timeout: 28s fit',
    text: withKeys('', 'drain: { timeout: 28s }\n'),
    around: { stopTimeoutMs: 30_000 },
    expect: [],
  },
  {
    name: 'drain-exceeds-stop-timeout: where no drain fits at all, and none is written',
    text: withKeys(''),
    around: { stopTimeoutMs: 2_000 },
    expect: [
      'warning drain-exceeds-stop-timeout 1:1 drain.timeout: 25s and 2s to end are more than the 2s until SIGKILL',
    ],
  },

  {
    name: 'keep-alive-below-idle-timeout: usher would be the first to end an idle connection',
    text: withKeys(', timeouts: { keepAlive: 60s }'),
    around: { idleTimeoutMs: 60_000 },
    expect: [
      'warning keep-alive-below-idle-timeout 2:78 listeners.a.timeouts.keepAlive: usher ends an idle connection after 1m and the balancer after 1m, so a request that is on its way when usher does is lost: set it above 1m',
    ],
  },
  {
    name: 'keep-alive-below-idle-timeout: not of protocol tcp, where nothing is between two requests',
    text: withKeys(', protocol: tcp'),
    around: { idleTimeoutMs: 3_600_000 },
    expect: [],
  },

  {
    name: 'tunnel-timeout-short: between two pings of Socket.IO',
    text: withKeys(', timeouts: { tunnel: 25s }'),
    expect: ['warning tunnel-timeout-short 2:78 listeners.a.timeouts.tunnel: 25s end a WebSocket between two pings'],
  },
  { name: 'tunnel-timeout-short: above them', text: withKeys(', timeouts: { tunnel: 26s }'), expect: [] },
  { name: 'tunnel-timeout-short: no limit', text: withKeys(', timeouts: { tunnel: 0s }'), expect: [] },
  {
    name: 'tunnel-timeout-short: of another protocol nobody knows the pings',
    text: withKeys(', protocol: tcp, timeouts: { tunnel: 5s }'),
    expect: [],
  },

  {
    name: 'idle-timeout-below-pings: of the balancer',
    text: withKeys(''),
    around: { idleTimeoutMs: 20_000 },
    expect: [
      'warning idle-timeout-below-pings 2:3 listeners.a: the balancer ends a WebSocket without a byte after 20s',
    ],
  },
];

for (const { name, text, around, expect } of cases)
  t.test(name, async t => {
    const found = told(text, around);
    t.equal(found.length, expect.length, found.join('\n'));
    for (const [index, beginning] of expect.entries())
      t.ok(found[index]?.startsWith(beginning), found[index] ?? 'nothing');
  });

t.test('the numbers behind it', async t => {
  t.equal(lastAskedAfter({ deregisterDelay: 5, closeOver: 10, style: 'socket.io' }), 15);
  t.equal(lastAskedAfter({ deregisterDelay: 5, closeOver: 10, style: 'none' }), 5);
  t.equal(longestDrain(120_000), 118_000);
  t.equal(longestDrain(1_000), undefined);
});
