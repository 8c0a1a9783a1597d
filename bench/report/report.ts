/** All that a run has found out, and where and of what: the content of every kind of report. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../launch.js';
import type { WorkloadResult } from '../run.js';
import type { SubjectName } from '../subject.js';
import type { Verdict } from '../verdict.js';

export interface Report {
  /** ISO 8601, UTC. */
  readonly date: string;
  /** What it ran on; no names of hosts or paths. */
  readonly machine: Readonly<Record<'cpu' | 'cores' | 'kernel' | 'node', string>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: { readonly rounds: number; readonly seconds: number };
  readonly results: readonly WorkloadResult[];
  readonly verdicts: readonly Verdict[];
}

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const require = createRequire(import.meta.url);

export function machine(): Report['machine'] {
  const [first] = os.cpus();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: String(os.availableParallelism()),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
  };
}

/** Of those that were measured, and of the load generator. */
export function versions(names: readonly SubjectName[]): Report['versions'] {
  const all: Readonly<Record<string, () => string>> = {
    usher: usherCommit,
    haproxy: () => printed('haproxy', /version (\S+)/),
    nginx: () => printed('nginx', /nginx\/(\S+)/),
    'http-proxy': () => packageVersion('http-proxy'),
  };
  const measured = names.flatMap(name => (all[name] === undefined ? [] : [[name, all[name]()]]));
  return { ...Object.fromEntries(measured), autocannon: packageVersion('autocannon') };
}

/** The commit that was measured, if the sources are still those. */
function usherCommit(): string {
  const git = (...words: string[]): string =>
    execFileSync('git', words, { cwd: REPOSITORY, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--', 'src', 'package-lock.json') !== '';
    return `commit ${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'unknown commit';
  }
}

/** What a program says about its version, to whichever stream. */
function printed(name: string, pattern: RegExp): string {
  const { stdout, stderr } = spawnSync(findProgram(name) ?? name, ['-v'], { encoding: 'utf8' });
  return pattern.exec(`${stdout}${stderr}`)?.[1] ?? 'unknown';
}

function packageVersion(name: string): string {
  const manifest: { readonly version: string } = require(`${name}/package.json`);
  return manifest.version;
}
