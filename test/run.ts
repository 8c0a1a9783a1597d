/**
 * Runs the test suite with the Node that runs this file, and closes with a line `N passed, N failed, N skipped`.
 * Arguments are test files; without any, all of them. Real peers that are missing are named. A run of all tests on the
 * oldest Node line also holds the parsers to full coverage (newer lines count branches in other ways), and runs the
 * end-to-end tests a second time on the plain path. `USHER_TESTS=data-plane` runs only those of the data
 * plane, without those that start the real command.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findProgram } from './support/peers.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const RESULTS = join(HERE, '..', 'test-results.tap');
const PEERS = [
  'haproxy',
  'nginx',
  'promtool',
  'curl',
  'chromium',
  'systemd-notify',
  'systemd-analyze',
  'python3',
  'unshare',
];

function allTests(): string[] {
  return readdirSync(HERE, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.test.js'))
    .map(path => join(HERE, path))
    .sort();
}

/** Whether a test starts the real command, which takes seconds, and to which what a run sets for this process is nothing. */
function startsCommand(file: string): boolean {
  return readFileSync(file, 'utf8').includes('/peer-usher.js');
}

const counts = { pass: 0, fail: 0, skip: 0 };

/** Adds up the summary that tap writes last, `# { total: 9, pass: 8, fail: 1 }`; a run that broke off has none. */
function count(): void {
  const results = readFileSync(RESULTS, 'utf8');
  const line = [...results.matchAll(/^# \{ (total: .*) \}$/gm)].at(-1)?.[1] ?? 'fail: 1';
  for (const name of ['pass', 'fail', 'skip'] as const)
    counts[name] += Number(new RegExp(`\\b${name}: (\\d+)`).exec(line)?.[1] ?? 0);
}

const MAX_FAILURES = 20;
const MAX_FAILURE_LINES = 30;
const failures: string[] = [];

/** Keeps what TAP says of each assertion that failed, for the end of the output: the part of a long log that is read. */
function keepFailures(): void {
  let lines = 0;
  for (const line of readFileSync(RESULTS, 'utf8').split('\n')) {
    if (/^ *not ok /.test(line)) lines = MAX_FAILURE_LINES;
    if (lines === 0 || failures.length > MAX_FAILURES * MAX_FAILURE_LINES) continue;
    failures.push(line);
    lines = /^ *\.\.\.$/.test(line) ? 0 : lines - 1;
  }
}

/** The rooms in which every line and branch is run by a test. */
const COVERED = /\/src\/(?:http|proxy-header)\//;
const COVERAGE = join('.tap', 'report', 'coverage-final.json');

/** Whether a test runs code of the data plane in its own process. */
function isDataPlane(file: string): boolean {
  const [room = ''] = relative(HERE, file).split(sep);
  return !['aws', 'bench', 'cli', 'control', 'observe'].includes(room) && !startsCommand(file);
}

/** What Istanbul's JSON says of a file: how often each statement and each branch ran, and where they are. */
interface FileCoverage {
  readonly s: Readonly<Record<string, number>>;
  readonly b: Readonly<Record<string, readonly number[]>>;
  readonly statementMap: Readonly<Record<string, { readonly start: { readonly line: number } }>>;
  readonly branchMap: Readonly<Record<string, { readonly loc: { readonly start: { readonly line: number } } }>>;
}

/** Places in the covered rooms that no test ran, `src/http/exchange.ts:12`. */
function uncovered(): string[] {
  const files: Record<string, FileCoverage> = JSON.parse(readFileSync(COVERAGE, 'utf8'));
  const found = Object.entries(files).filter(([path]) => COVERED.test(path));
  if (found.length === 0) return ['no file of the covered rooms was measured'];
  return found.flatMap(([path, { s, b, statementMap, branchMap }]) => {
    const lines = [
      ...Object.keys(s).flatMap(key => (s[key] === 0 ? [statementMap[key]?.start.line] : [])),
      ...Object.keys(b).flatMap(key => (b[key]?.includes(0) === true ? [branchMap[key]?.loc.start.line] : [])),
    ];
    return lines.map(line => `${path.slice(path.lastIndexOf('/src/') + 1)}:${line}`);
  });
}

const TAP = join(dirname(createRequire(import.meta.url).resolve('tap/package.json')), 'dist', 'esm', 'run.mjs');
/** Seconds that a test has, unless it says otherwise; as in .taprc. */
const TAP_TIMEOUT = '60';
const PROGRESS_EVERY = 10;

/** The longest tests once more, but shorter. */
const BRIEF = { USHER_FAULT_EXCHANGES: '2000', USHER_SESSIONS: '100', USHER_SOCKETS: '300' };

/** Runs test files as fast as they go. @returns whether all passed */
async function run(files: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const child = spawn(process.execPath, [join(HERE, 'spawn-files.js'), ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...env, TAP_TIMEOUT },
  });
  const results = createWriteStream(RESULTS);
  child.stdout.pipe(results);
  let finished = 0;
  createInterface(child.stdout).on('line', line => {
    const name = /^(?:not )?ok \d+ - (\S+)/.exec(line)?.[1];
    if (name === undefined) return;
    finished += 1;
    const progress = `${relative(HERE, name)} (${finished} of ${files.length} files)`;
    if (!line.startsWith('ok')) process.stdout.write(`FAILED: ${progress}\n`);
    else if (finished % PROGRESS_EVERY === 0 || finished === files.length) process.stdout.write(`${progress}\n`);
  });
  const [[code]] = await Promise.all([once(child, 'close'), once(results, 'close')]);
  return finish(code);
}

/**
 * The same under tap's own command, which measures what they cover. It is built first with the plugins that `.taprc` leaves:
 * in a fresh clone it would load its TypeScript once more into every process, which takes longer than most tests.
 */
async function runMeasured(files: readonly string[]): Promise<boolean> {
  await once(spawn(process.execPath, [TAP, 'build'], { stdio: ['ignore', 'ignore', 'inherit'] }), 'exit');
  const options = ['--reporter=terse', '--jobs=4', '--allow-incomplete-coverage', '--show-full-coverage'];
  const child = spawn(
    process.execPath,
    [TAP, 'run', ...options, '--coverage-report=json', `--output-file=${RESULTS}`, ...files],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const [code] = await once(child, 'exit');
  return finish(code);
}

function finish(code: unknown): boolean {
  count();
  keepFailures();
  rmSync(RESULTS, { force: true });
  return code === 0;
}

const chosen = process.argv.slice(2);
const every = chosen.length > 0 ? chosen : allTests();
const files = process.env['USHER_TESTS'] === 'data-plane' ? every.filter(isDataPlane) : every;
const measures = chosen.length === 0 && process.version.startsWith('v20.');
const missing = PEERS.filter(name => findProgram(name) === undefined);

let passed: boolean;
let gaps: string[] = [];
if (measures) {
  const covering = files.filter(isDataPlane);
  process.stdout.write('The data plane in this process, and what of its parsers the tests cover\n');
  passed = await runMeasured(covering);
  gaps = uncovered();
  process.stdout.write('Everything else\n');
  passed = (await run(files.filter(file => !covering.includes(file)))) && passed;
  process.stdout.write('Once more, end to end, with sockets as Node makes them\n');
  const again = covering.filter(file => file.includes(`${sep}e2e${sep}`));
  passed = (await run(again, { ...process.env, ...BRIEF, USHER_TEST_TRANSPORT: 'plain' })) && passed;
} else passed = await run(files);
process.stdout.write(`Node ${process.version}\n`);
if (missing.length > 0) process.stdout.write(`Left out, because they are not installed: ${missing.join(', ')}\n`);
if (measures)
  process.stdout.write(`Lines and branches of src/http and src/proxy-header that no test runs: ${gaps.length}\n`);
for (const gap of gaps) process.stdout.write(`  ${gap}\n`);
for (const line of failures) process.stdout.write(`${line}\n`);
process.stdout.write(`${counts.pass} passed, ${counts.fail} failed, ${counts.skip} skipped\n`);
process.exitCode = gaps.length === 0 && passed ? 0 : 1;
