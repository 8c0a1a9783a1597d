/**
 * Runs the test suite with the Node that runs this file, and closes with a line `N passed, N failed, N skipped`.
 * Arguments are test files; without any, all of them. Real peers that are missing are named. A run of all tests on the
 * oldest Node line also holds the parsers to full coverage; newer lines count branches in other ways.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from './support/peers.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const RESULTS = join(HERE, '..', 'test-results.tap');
const PEERS = ['haproxy', 'nginx', 'promtool', 'curl', 'chromium'];

function allTests(): string[] {
  return readdirSync(HERE, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.test.js'))
    .map(path => join(HERE, path))
    .sort();
}

/** The summary that tap writes last, `# { total: 9, pass: 8, fail: 1 }`; a run that broke off has none. */
function summary(): string {
  const tap = readFileSync(RESULTS, 'utf8');
  const line = [...tap.matchAll(/^# \{ (total: .*) \}$/gm)].at(-1)?.[1] ?? 'fail: 1';
  const count = (name: string) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(line)?.[1] ?? 0);
  return `${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`;
}

/** The rooms in which every line and branch is run by a test. */
const COVERED = /\/src\/(?:http|proxy-header)\//;
const COVERAGE = join('.tap', 'report', 'coverage-final.json');

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

const tap = join(dirname(createRequire(import.meta.url).resolve('tap/package.json')), 'dist', 'esm', 'run.mjs');
const chosen = process.argv.slice(2);
const files = chosen.length > 0 ? chosen : allTests();
const measured = chosen.length === 0 && process.version.startsWith('v20.');
const coverage = measured
  ? ['--allow-incomplete-coverage', '--show-full-coverage', '--coverage-report=json']
  : ['--disable-coverage'];
const missing = PEERS.filter(name => findProgram(name) === undefined);

rmSync(RESULTS, { force: true });
const run = spawn(
  process.execPath,
  [tap, 'run', '--reporter=terse', '--jobs=4', `--output-file=${RESULTS}`, ...coverage, ...files],
  {
    stdio: ['ignore', 'inherit', 'inherit'],
  },
);
const [code] = (await once(run, 'exit')) as [number | null];
process.stdout.write(`Node ${process.version}\n`);
if (missing.length > 0) process.stdout.write(`Left out, because they are not installed: ${missing.join(', ')}\n`);
const gaps = measured ? uncovered() : [];
if (measured)
  process.stdout.write(`Lines and branches of src/http and src/proxy-header that no test runs: ${gaps.length}\n`);
for (const gap of gaps) process.stdout.write(`  ${gap}\n`);
process.stdout.write(`${summary()}\n`);
process.exitCode = gaps.length > 0 ? 1 : (code ?? 1);
