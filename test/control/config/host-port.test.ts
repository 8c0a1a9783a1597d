import t from 'tap';
import {
  endpointWords,
  hostOf,
  reaches,
  readEndpoint,
  readListen,
  readPort,
  sameEndpoint,
  sameListen,
} from '../../../src/control/config/host-port.js';

const at = (host: string, port = 80) => ({ host, port });

t.test('a listen address is a port, host:port or [v6]:port', async t => {
  const table: [unknown, string, number][] = [
    [8080, '::', 8080],
    ['8080', '::', 8080],
    ['127.0.0.1:8080', '127.0.0.1', 8080],
    ['0.0.0.0:80', '0.0.0.0', 80],
    ['LocalHost:65535', 'localhost', 65_535],
    ['[::1]:8080', '::1', 8080],
    ['[FD00:0::1]:1', 'fd00::1', 1],
    ['[::ffff:1.2.3.4]:80', '1.2.3.4', 80],
    ['chat-1.example_x.com:80', 'chat-1.example_x.com', 80],
  ];
  for (const [input, host, port] of table) t.strictSame(readListen(input), { value: { host, port } }, String(input));
});

t.test('anything else is refused with a rule', async t => {
  const table: [unknown, string][] = [
    [0, 'invalid-port'],
    [70_000, 'invalid-port'],
    [-1, 'invalid-port'],
    [80.5, 'invalid-port'],
    [Number.NaN, 'invalid-port'],
    ['127.0.0.1:0', 'invalid-port'],
    ['127.0.0.1:65536', 'invalid-port'],
    ['127.0.0.1:-1', 'invalid-port'],
    ['99999999999999', 'invalid-port'],
    ['localhost', 'invalid-listen'],
    [':8080', 'invalid-listen'],
    ['host:', 'invalid-listen'],
    ['host:http', 'invalid-listen'],
    ['::1:8080', 'invalid-listen'],
    ['[127.0.0.1]:80', 'invalid-listen'],
    ['[::1', 'invalid-listen'],
    ['[::zz]:80', 'invalid-listen'],
    ['999.2.3.4:80', 'invalid-listen'],
    ['1.2.3:80', 'invalid-listen'],
    ['a..b:80', 'invalid-listen'],
    ['-a:80', 'invalid-listen'],
    [`${'a'.repeat(64)}:80`, 'invalid-listen'],
    ['http://a:80', 'invalid-listen'],
    ['', 'invalid-listen'],
    [true, 'invalid-listen'],
    [null, 'invalid-listen'],
    [{}, 'invalid-listen'],
    [[80], 'invalid-listen'],
  ];
  for (const [input, rule] of table) {
    const reading = readListen(input);
    t.equal('rule' in reading ? reading.rule : 'none', rule, String(input));
  }
});

t.test('an IPv6 address without brackets is told where they go', async t => {
  const reading = readListen('::1:8080');
  t.match(reading, { fault: '"::1:8080" is not a listen address: an IPv6 address stands in brackets, [::1]:8080' });
});

t.test('an endpoint is on 127.0.0.1 unless it says otherwise, and never on every address', async t => {
  t.strictSame(readEndpoint(3000), { value: at('127.0.0.1', 3000) });
  t.strictSame(readEndpoint('10.0.1.7:3000'), { value: at('10.0.1.7', 3000) });
  for (const input of ['0.0.0.0:3000', '[::]:3000', '[0::0]:3000'])
    t.match(readEndpoint(input), { rule: 'invalid-endpoint', fault: /name one host, such as 127.0.0.1:3000/ }, input);
});

t.test('a port is 1 to 65535', async t => {
  for (const input of [1, 65_535, '80']) t.ok('value' in readPort(input), String(input));
  for (const input of [0, 65_536, 1.5, '8o', '', null, undefined, [], '-1']) t.notOk('value' in readPort(input));
});

t.test('hosts', async t => {
  t.equal(hostOf('Example.COM'), 'example.com');
  t.equal(hostOf('0x7f'), undefined, 'a number in disguise');
  t.equal(hostOf('a b'), undefined);
  t.equal(hostOf(`${'a.'.repeat(127)}ab`), undefined, 'too long');
});

t.test('127.0.0.1, localhost and ::1 are one host for endpoints', async t => {
  for (const a of ['127.0.0.1', 'localhost', '::1'])
    for (const b of ['127.0.0.1', 'localhost', '::1']) t.ok(sameEndpoint(at(a), at(b)), `${a} ${b}`);
  t.notOk(sameEndpoint(at('127.0.0.1', 80), at('127.0.0.1', 81)));
  t.notOk(sameEndpoint(at('127.0.0.1'), at('127.0.0.2')));
  t.equal(endpointWords(at('::1', 3000)), 'port 3000');
  t.equal(endpointWords(at('10.0.1.7', 3000)), '10.0.1.7:3000');
  t.equal(endpointWords(at('fd00::1', 3000)), '[fd00::1]:3000');
});

t.test('two listen addresses that cannot both be bound', async t => {
  const table: [string, string, boolean][] = [
    ['::', '::', true],
    ['::', '127.0.0.1', true],
    ['0.0.0.0', '127.0.0.1', true],
    ['0.0.0.0', '10.0.0.1', true],
    ['0.0.0.0', '0.0.0.0', true],
    ['0.0.0.0', '::', true],
    ['0.0.0.0', 'localhost', true],
    ['0.0.0.0', 'chat.example', true],
    ['0.0.0.0', '::1', false],
    ['0.0.0.0', 'fd00::1', false],
    ['::', 'fd00::1', true],
    ['10.0.0.1', '10.0.0.1', true],
    ['localhost', '127.0.0.1', true],
    ['::1', 'localhost', true],
    ['127.0.0.1', '::1', false],
    ['10.0.0.1', '10.0.0.2', false],
  ];
  for (const [a, b, same] of table) {
    t.equal(sameListen(at(a), at(b)), same, `${a} ${b}`);
    t.equal(sameListen(at(b), at(a)), same, `${b} ${a}`);
    t.notOk(sameListen(at(a, 1), at(b, 2)));
  }
});

t.test('an endpoint that arrives at a listener', async t => {
  const table: [string, string, boolean][] = [
    ['127.0.0.1', '::', true],
    ['127.0.0.9', '0.0.0.0', true],
    ['::1', '::', true],
    ['::1', '0.0.0.0', false],
    ['localhost', '0.0.0.0', true],
    ['localhost', '::', true],
    ['localhost', '127.0.0.1', true],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '::', false],
    ['10.0.0.1', '127.0.0.1', false],
  ];
  for (const [endpoint, listen, loop] of table) {
    t.equal(reaches(at(endpoint), at(listen)), loop, `${endpoint} ${listen}`);
    t.notOk(reaches(at(endpoint, 1), at(listen, 2)));
  }
});
