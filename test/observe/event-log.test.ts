import t from 'tap';
import { type Code, causes, codes } from '../../src/codes.js';
import { createEventLog } from '../../src/observe/event-log.js';
import { createLogger } from '../../src/observe/log.js';
import type { Observer } from '../../src/observer.js';
import { connection, Lines } from './records.js';

/** An event log over a clock that stands still until a test turns it. */
function make(level: 'debug' | 'info' | 'warn' | 'error' = 'debug') {
  const lines = new Lines();
  const clock = { now: 1_000_000 };
  const logger = createLogger({ level, access: false, format: 'json' }, lines);
  return { lines, clock, log: createEventLog({ logger, now: () => clock.now }) };
}

function refuse(log: Observer, times: number, code: Code, listener = 'chat'): void {
  for (let n = 0; n < times; n += 1) log.refused(connection({ listener }), code);
}

t.test('a refusal says what, where, who and what to do', async t => {
  const { lines, log } = make();
  log.refused(connection(), 'header-missing', 'http');
  const [{ time, ...line } = {}] = lines.objects;
  t.strictSame(line, {
    level: 'warn',
    code: 'header-missing',
    listener: 'chat',
    peer: '10.0.1.20:40001',
    client: '203.0.113.9:51234',
    detail: 'http',
    hint: 'the balancer sends no PROXY header: switch on proxy protocol (CLB: policy on the instance port; NLB: proxy_protocol_v2.enabled on the target group) or set proxyProtocol: off',
    msg: causes['header-missing'].text,
  });
});

t.test('hints name the fault that usually lies behind', async t => {
  const cases: { code: Code; detail?: string; expect: RegExp | undefined }[] = [
    { code: 'header-missing', detail: 'tls', expect: /TLS arrived.*passes TLS through/ },
    { code: 'header-missing', detail: 'ssh', expect: /SSH/ },
    { code: 'header-missing', detail: 'something new', expect: /sends no PROXY header/ },
    { code: 'header-missing', expect: /sends no PROXY header/ },
    { code: 'source-untrusted', expect: /trustedSources/ },
    { code: 'connection-limit', expect: /limits\.connections/ },
    { code: 'header-version', expect: undefined },
  ];
  for (const { code, detail, expect } of cases) {
    const { lines, log } = make();
    log.refused(connection(), code, detail);
    const hint = lines.objects[0]?.['hint'];
    if (expect === undefined) t.equal(hint, undefined, code);
    else t.match(hint, expect, `${code} ${detail}`);
  }
});

t.test('every code is written at its own level with its own words', async t => {
  for (const code of codes) {
    const { lines, log } = make();
    log.refused(connection(), code);
    t.match(lines.objects, [{ code, level: causes[code].level, msg: causes[code].text }]);
  }
});

t.test('a flood is 20 lines, then 5 a second, and the lines left out are told', async t => {
  const { lines, clock, log } = make();
  refuse(log, 1000, 'header-missing');
  t.equal(lines.text.length, 20);
  t.notOk(lines.objects.some(line => 'suppressed' in line));
  clock.now += 199;
  refuse(log, 1, 'header-missing');
  t.equal(lines.text.length, 20);
  clock.now += 1;
  refuse(log, 1, 'header-missing');
  t.equal(lines.text.length, 21);
  t.equal(lines.objects[20]?.['suppressed'], 981);
  clock.now += 1000;
  refuse(log, 100, 'header-missing');
  t.equal(lines.text.length, 26);
  t.notOk('suppressed' in (lines.objects[21] ?? {}), 'there was nothing to tell again');
  clock.now += 3_600_000;
  refuse(log, 100, 'header-missing');
  t.equal(lines.text.length, 46, 'an hour of silence earns one burst, not more');
  t.equal(lines.objects[26]?.['suppressed'], 95);
});

t.test('listeners and codes do not share their rate', async t => {
  const { lines, log } = make();
  refuse(log, 30, 'header-missing');
  refuse(log, 30, 'header-crc');
  refuse(log, 30, 'header-missing', 'web');
  t.equal(lines.text.length, 60);
});

t.test('a code below the level of the logger is neither written nor counted', async t => {
  const { lines, log } = make('warn');
  refuse(log, 5, 'route-missing');
  t.equal(lines.text.length, 0);
});

t.test('a clock that goes back does no harm', async t => {
  const { lines, clock, log } = make();
  refuse(log, 20, 'header-missing');
  clock.now -= 5000;
  refuse(log, 1, 'header-missing');
  clock.now += 200;
  refuse(log, 1, 'header-missing');
  t.equal(lines.text.length, 21);
});

t.test('endpoints that come and go are told', async t => {
  const { lines, log } = make();
  log.endpointChanged('pool', '127.0.0.1:3000', false);
  log.endpointChanged('pool', '127.0.0.1:3000', true);
  t.match(lines.objects, [
    { level: 'warn', backend: 'pool', endpoint: '127.0.0.1:3000', up: false, msg: 'the endpoint is down' },
    { level: 'info', backend: 'pool', endpoint: '127.0.0.1:3000', up: true, msg: 'the endpoint is up' },
  ]);
  for (let n = 0; n < 100; n += 1) log.endpointChanged('pool', '127.0.0.1:3000', n % 2 === 0);
  t.equal(lines.text.length, 40, 'one that flaps is bounded too');
});

t.test('probes are one line a minute at the most, written when the next event comes by', async t => {
  const { lines, clock, log } = make();
  for (let n = 0; n < 12; n += 1) log.probeSeen(connection(), 'empty');
  for (let n = 0; n < 30; n += 1) log.probeSeen(connection(), 'local');
  clock.now += 59_999;
  log.probeSeen(connection({ listener: 'web' }), 'self');
  log.connectionOpened(connection());
  t.equal(lines.text.length, 0);
  clock.now += 1;
  log.connectionOpened(connection());
  t.match(lines.objects, [
    {
      level: 'info',
      listener: 'chat',
      empty: 12,
      local: 30,
      self: 0,
      seconds: 60,
      msg: 'health probes: 12 empty, 30 local',
    },
  ]);
  clock.now += 60_000;
  log.probeSeen(connection({ listener: 'web' }), 'self');
  log.connectionOpened(connection());
  t.equal(lines.text.length, 2);
  t.match(lines.objects[1], { listener: 'web', msg: 'health probes: 1 self' });
});

t.test('a probe that makes the line due belongs to the next one', async t => {
  const { lines, clock, log } = make();
  log.probeSeen(connection(), 'empty');
  clock.now += 60_000;
  log.probeSeen(connection(), 'empty');
  clock.now += 60_000;
  log.probeSeen(connection(), 'empty');
  t.match(lines.objects, [{ empty: 1 }, { empty: 1 }]);
});
