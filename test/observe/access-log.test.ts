import t from 'tap';
import { createAccessLog } from '../../src/observe/access-log.js';
import { createLogger } from '../../src/observe/log.js';
import { connection, exchange, Lines, tunnel } from './records.js';

const settings = { level: 'info', access: true, format: 'json' } as const;

/** The one line, without its time. */
function only(lines: Lines): Record<string, unknown> {
  const [{ time, ...line } = {}, ...more] = lines.objects;
  if (time === undefined || more.length > 0) throw new Error(`not one line but ${lines.text.length}`);
  return line;
}

t.test('an exchange is one line', async t => {
  const lines = new Lines();
  createAccessLog(createLogger(settings, lines)).exchangeEnded(
    exchange({ target: '/room/1?x=2', code: 'client-aborted' }),
  );
  t.strictSame(only(lines), {
    level: 'info',
    log: 'access',
    client: '203.0.113.9:51234',
    peer: '10.0.1.20:40001',
    connection: 7,
    listener: 'chat',
    backend: 'pool',
    endpoint: '127.0.0.1:3000',
    method: 'GET',
    target: '/room/1?x=2',
    status: 200,
    code: 'client-aborted',
    bytesToBackend: 120,
    bytesToClient: 4096,
    durationMs: 12.3,
    msg: 'exchange',
  });
});

t.test('what is not known is left out, and IPv6 has brackets', async t => {
  const lines = new Lines();
  createAccessLog(createLogger(settings, lines)).exchangeEnded(
    exchange({
      connection: connection({ client: { address: '2001:db8::9', port: 1 } }),
      backend: 'none',
      endpoint: undefined,
      method: undefined,
      target: undefined,
      status: 400,
      code: 'request-line-invalid',
    }),
  );
  const line = only(lines);
  t.equal(line['client'], '[2001:db8::9]:1');
  t.notOk('endpoint' in line || 'method' in line || 'target' in line);
});

t.test('a tunnel is one line when it closes, and its upgrade one when it opens', async t => {
  const lines = new Lines();
  const log = createAccessLog(createLogger(settings, lines));
  log.exchangeEnded(exchange({ status: 101, upgraded: true }));
  log.tunnelOpened(tunnel());
  t.match(only(lines), { msg: 'upgrade', status: 101 });
  lines.text.length = 0;
  log.tunnelClosed(tunnel({ durationMs: 61_000.06, bytesToBackend: 5, bytesToClient: 6, code: 'tunnel-idle' }));
  t.match(only(lines), {
    msg: 'tunnel',
    client: '203.0.113.9:51234',
    listener: 'chat',
    backend: 'pool',
    endpoint: '127.0.0.1:3000',
    code: 'tunnel-idle',
    bytesToBackend: 5,
    bytesToClient: 6,
    durationMs: 61_000.1,
  });
});

t.test('it is written whatever the level of the logger', async t => {
  const lines = new Lines();
  createAccessLog(createLogger({ ...settings, level: 'error' }, lines)).exchangeEnded(exchange());
  t.equal(lines.text.length, 1);
});
