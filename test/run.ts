/**
 * Runs the test suite with the Node that runs this file, and closes with a line `N passed, N failed, N skipped`.
 * Arguments are test files; without any, all of them. Real peers that are missing are named.
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
const PEERS = ['haproxy', 'nginx', 'promtool', 'curl'];

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

const tap = join(dirname(createRequire(import.meta.url).resolve('tap/package.json')), 'dist', 'esm', 'run.mjs');
const files = process.argv.length > 2 ? process.argv.slice(2) : allTests();
const missing = PEERS.filter(name => findProgram(name) === undefined);

rmSync(RESULTS, { force: true });
const run = spawn(
  process.execPath,
  [tap, 'run', '--reporter=terse', '--jobs=4', `--output-file=${RESULTS}`, ...files],
  {
    stdio: ['ignore', 'inherit', 'inherit'],
  },
);
const [code] = (await once(run, 'exit')) as [number | null];
process.stdout.write(`Node ${process.version}\n`);
if (missing.length > 0) process.stdout.write(`Left out, because they are not installed: ${missing.join(', ')}\n`);
process.stdout.write(`${summary()}\n`);
process.exitCode = code ?? 1;
