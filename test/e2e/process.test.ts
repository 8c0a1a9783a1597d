/** usher as a process among others: systemd, PID 1, too few files, errors that nobody expected. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { freePort, type Program, startProgram } from '../support/peer-program.js';
import { logLines, MAIN, runCommand, startRun } from '../support/peer-usher.js';
import { needProgram } from '../support/peers.js';

t.setTimeout(60_000);

/** A configuration of one listener without an admin listener, that stops at once. */
async function configFile(t: Test, more = ''): Promise<string> {
  const file = join(mkdtempSync(join(tmpdir(), 'usher-')), 'usher.yaml');
  t.teardown(() => rmSync(dirname(file), { recursive: true }));
  const [listen, backend] = [await freePort(), await freePort()];
  const listener = `listen: 127.0.0.1:${listen}, trustedSources: [127.0.0.0/8], backendPort: ${backend}${more}`;
  writeFileSync(file, `listeners:\n  chat: { ${listener} }\nadmin: off\ndrain: { deregisterDelay: 0s }\n`);
  return file;
}

// ---- systemd ----

/** What usher tells whoever listens at NOTIFY_SOCKET, as systemd does. */
async function listenAsSystemd(t: Test, python: string): Promise<{ socket: string; program: Program }> {
  // The path of a socket must be short.
  const dir = mkdtempSync(join(tmpdir(), 'usher-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const socket = join(dir, 'notify');
  const script = 'test/support/notify-socket.py';
  const program = startProgram(t, python, [script, socket]);
  await program.until(() => program.stdout.includes('bound'));
  return { socket, program };
}

t.test('systemd is told when usher listens, and when it begins to stop', async t => {
  const python = needProgram(t, 'python3');
  if (python === undefined || needProgram(t, 'systemd-notify') === undefined) return;
  const { socket, program } = await listenAsSystemd(t, python);
  const usher = await startRun(t, ['--config', await configFile(t)], { env: { NOTIFY_SOCKET: socket } });
  await program.until(() => program.stdout.includes('READY=1'));
  t.notMatch(program.stdout, /STOPPING/);
  usher.signal('SIGTERM');
  await program.until(() => program.stdout.includes('STOPPING=1'));
  t.equal(await usher.ended(), 0);
  t.same(
    program.stdout.split('\n').filter(line => line.includes('=1') && !line.startsWith('BARRIER')),
    ['READY=1 STATUS=listening', 'STOPPING=1 STATUS=draining'],
  );
  t.notMatch(usher.stderr, /could not tell/);
});

/** A PATH on which `systemd-notify` fails. */
function failingNotify(t: Test): string {
  const path = t.testdir({ 'systemd-notify': '#!/bin/sh\nexit 3\n' });
  chmodSync(join(path, 'systemd-notify'), 0o755);
  return path;
}

t.test('a systemd that cannot be told is a line in the log, and no more', async t => {
  const config = await configFile(t);
  for (const [PATH, why] of [
    ['/nonexistent', { err: { code: 'ENOENT' } }],
    [failingNotify(t), { code: 3 }],
  ] as const) {
    const usher = await startRun(t, ['--config', config], { env: { NOTIFY_SOCKET: '/nonexistent/notify', PATH } });
    await usher.until(() => usher.stderr.includes('could not tell'));
    const line = logLines(usher).find(({ variables }) => variables !== undefined);
    t.match(line, { level: 'warn', variables: ['READY=1', 'STATUS=listening'], ...why });
    usher.signal('SIGTERM');
    t.equal(await usher.ended(), 0);
  }
});

// ---- PID 1 ----

/** The children of a process, by Linux. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

async function startAsPid1(t: Test, unshare: string, words: readonly string[], env: Record<string, string>) {
  const namespace = ['--pid', '--fork', '--mount-proc', '--kill-child'];
  const command = ['/usr/bin/env', '-u', 'NODE_OPTIONS', process.execPath, MAIN, 'run', ...words];
  const program = startProgram(t, unshare, [...namespace, ...command], { env: { USHER_CONFIG: '', ...env } });
  await program.until(() => program.stderr.includes('"msg":"usher is running"'));
  const [pid = 0] = childrenOf(program.pid);
  return { program, pid };
}

t.test('as PID 1 it stops on SIGTERM and SIGINT, and leaves no zombie', async t => {
  const unshare = needProgram(t, 'unshare');
  if (unshare === undefined) return;
  const allowed = startProgram(t, unshare, ['--pid', '--fork', '--mount-proc', 'true']);
  if ((await allowed.ended()) !== 0) {
    t.pass('left out: this user may make no namespace', { skip: 'this user may make no namespace' });
    return;
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // It starts a child, which fails.
    const env = { NOTIFY_SOCKET: '/nonexistent/notify', PATH: failingNotify(t) };
    const { program, pid } = await startAsPid1(t, unshare, ['--config', await configFile(t)], env);
    await program.until(() => program.stderr.includes('could not tell'));
    t.match(logLines(program), [{ msg: 'listening' }, { msg: 'usher is running', pid: 1 }]);
    t.same(childrenOf(pid), [], 'no child, alive or dead');
    process.kill(pid, signal);
    t.equal(await program.ended(), 0, signal);
  }
});

// ---- files ----

t.test('--check-fds warns, and with strict refuses, when the limit of open files is too low', async t => {
  const file = await configFile(t);
  const usher = await startRun(t, ['--config', file, '--check-fds'], { openFiles: 1024 });
  const sentence =
    /limit of open files is 1024, and 20000 connections .* 1024 idle .* may need 41128; .*raise it to 41128/;
  t.match(logLines(usher)[0], { level: 'warn', rule: 'open-files-limit', msg: sentence });
  usher.signal('SIGTERM');
  t.equal(await usher.ended(), 0);

  const strict = await runCommand(t, ['run', '--config', file, '--check-fds=strict'], { openFiles: 1024 });
  t.match([strict.ending, strict.stdout], [78, '']);
  t.match(strict.stderr, new RegExp(`^--check-fds: the ${sentence.source}.* \\[open-files-limit\\]\\n$`));
  const other = await runCommand(t, ['run', '--config', file, '--check-fds=much']);
  t.match([other.ending, other.stderr], [64, /^--check-fds takes nothing, or strict: .*\n$/]);
});

t.test('--check-fds says nothing when there are enough', async t => {
  const file = await configFile(t, ', limits: { connections: 100 }');
  // 200 for 100 connections, 100 idle, 8 that accept, 96 others.
  const usher = await startRun(t, ['--config', file, '--check-fds=strict'], { openFiles: 404 });
  t.notMatch(usher.stderr, /open-files-limit/);
  usher.signal('SIGTERM');
  t.equal(await usher.ended(), 0);
  const short = await runCommand(t, ['run', '--config', file, '--check-fds=strict'], { openFiles: 403 });
  t.equal(short.ending, 78);
});

// ---- last words ----

/** Makes the process fail at a signal, with what would forge a line or steer a terminal in its message. */
const FAIL = `
  process.on('SIGUSR2', () => { throw new Error('boom\\n{"level":"info"}\\u009b31m'); });
  process.on('SIGWINCH', () => { Promise.reject({ not: 'an error' }); });
`;

t.test('an error that nobody expected is logged with its stack in one line, and ends the process', async t => {
  const preload = `data:text/javascript,${encodeURIComponent(FAIL)}`;
  for (const [signal, origin, message] of [
    ['SIGUSR2', 'uncaughtException', /^boom/],
    ['SIGWINCH', 'unhandledRejection', /not.*an error/],
  ] as const) {
    const run = ['run', '--config', await configFile(t)];
    const command = ['-u', 'NODE_OPTIONS', process.execPath, '--import', preload, MAIN, ...run];
    const usher = startProgram(t, '/usr/bin/env', command, { env: { USHER_CONFIG: '' } });
    await usher.until(() => usher.stderr.includes('"msg":"usher is running"'));
    usher.signal(signal);
    t.equal(await usher.ended(), 1);
    // A line that was on its way to the system may come behind it.
    const words = logLines(usher).filter(({ level }) => level === 'fatal');
    t.equal(words.length, 1);
    t.match(words[0], { level: 'fatal', origin, connections: 0, err: { message, stack: /\n {4}at / } });
    t.notMatch(usher.stderr, '\u009b', 'nothing that steers a terminal');
    t.equal(usher.stderr.split('\n').at(-1), '', 'the line is whole');
  }
});

// ---- handles ----

t.test('where Node is not to show its handles, usher says so and runs without them', async t => {
  for (const flags of [[], ['--throw-deprecation']]) {
    const run = ['run', '--config', await configFile(t)];
    const command = ['-u', 'NODE_OPTIONS', process.execPath, ...flags, MAIN, ...run];
    const usher = startProgram(t, '/usr/bin/env', command, { env: { USHER_CONFIG: '' } });
    await usher.until(() => usher.stderr.includes('"msg":"usher is running"'));
    usher.signal('SIGTERM');
    t.equal(await usher.ended(), 0);
    const said = logLines(usher).some(({ msg }) => String(msg).includes('shows no TCP handles'));
    t.equal(said, flags.length > 0);
  }
});
