import { spawnSync } from 'node:child_process';
import process from 'node:process';
import t from 'tap';
import { createAccessLog } from '../../src/observe/access-log.js';
import { createLogger } from '../../src/observe/log.js';
import { exchange, Lines } from './records.js';

const json = { level: 'info', access: true, format: 'json' } as const;
const pretty = { level: 'info', access: true, format: 'pretty' } as const;

/** ESC, new line, CR, DEL, the one-byte CSI of C1, a line separator, a right-to-left override. */
const hostile = '/\u001b[31mred\n{"level":"fatal"}\r\u007f\u009b2J\u2028\u202e\tend';

t.test('JSON: one object per line, ISO time, level by name', async t => {
  const lines = new Lines();
  createLogger(json, lines).warn({ listener: 'chat' }, 'hello');
  t.equal(lines.text.length, 1);
  const [line] = lines.objects;
  t.match(line, { level: 'warn', listener: 'chat', msg: 'hello' });
  t.match(line?.['time'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.strictSame(Object.keys(line ?? {}), ['level', 'time', 'listener', 'msg']);
});

t.test('the level of the settings holds', async t => {
  const lines = new Lines();
  const logger = createLogger({ ...json, level: 'warn' }, lines);
  logger.info('no');
  logger.error('yes');
  t.match(lines.objects, [{ msg: 'yes' }]);
});

t.test('JSON: nothing that steers a terminal leaves as itself, and the value survives', async t => {
  const lines = new Lines();
  createAccessLog(createLogger(json, lines)).exchangeEnded(exchange({ target: hostile }));
  t.equal(lines.text.length, 1);
  t.notMatch(lines.text[0]?.slice(0, -1), /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
  t.ok(lines.text[0]?.endsWith('}\n'));
  t.equal(lines.objects[0]?.['target'], hostile);
});

t.test('pretty: a hostile target is one line with visible escapes', async t => {
  const lines = new Lines();
  createAccessLog(createLogger(pretty, lines)).exchangeEnded(exchange({ target: hostile }));
  const text = lines.text.join('');
  t.notMatch(text.slice(0, -1), /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
  t.match(text, 'INFO');
  t.ok(text.includes('\\x1b[31mred\\n'), text);
  t.ok(text.includes('\\r\\x7f\\x9b2J\\u2028\\u202e\\tend'), text);
});

t.test('pretty: a message and nested values are made visible too; a stack keeps its lines, indented', async t => {
  const lines = new Lines();
  const logger = createLogger(pretty, lines);
  logger.info({ deep: { list: ['\u001b]0;title\u0007'] } }, 'first\nINFO: forged \u001b[2J');
  t.notMatch(lines.text.join('').slice(0, -1), /\p{Cc}/u);
  t.match(lines.text.join(''), 'first\\nINFO: forged \\x1b[2J');
  lines.text.length = 0;
  logger.error({ err: new Error('bad\u001b[31m\n[forged]') }, 'failed');
  const rows = lines.text.join('').split('\n').slice(1, -1);
  t.ok(rows.length > 2);
  for (const row of rows) t.match(row, /^ {4}/);
  t.notMatch(lines.text.join('').replaceAll('\n', ''), /\p{Cc}/u);
});

t.test('auto is pretty where the stream is a terminal, JSON elsewhere', async t => {
  const file = new Lines();
  createLogger({ ...json, format: 'auto' }, file).info('x');
  t.match(file.objects, [{ msg: 'x' }]);
  const terminal = new Lines(true);
  createLogger({ ...json, format: 'auto' }, terminal).info('x');
  t.throws(() => terminal.objects);
  t.match(terminal.text.join(''), 'INFO');
});

t.test('what is logged right before the process exits reaches standard error', async t => {
  const module = new URL('../../src/observe/log.js', import.meta.url);
  for (const format of ['json', 'pretty']) {
    const script = `
      import { createLogger } from ${JSON.stringify(module.href)};
      const logger = createLogger({ level: 'info', access: false, format: '${format}' });
      for (let n = 0; n < 500; n += 1) logger.info({ n }, 'line');
      process.exit(3);`;
    const { status, stderr, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    t.equal(status, 3);
    t.equal(stdout, '');
    const lines = stderr.trimEnd().split('\n');
    t.equal(lines.length, 500, format);
    t.match(lines.at(-1), /"n": ?499/);
  }
});
