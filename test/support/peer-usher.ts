/** The real command as a child process: `node dist/src/main.js …`. */
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { type Program, type ProgramOptions, startProgram } from './peer-program.js';

export const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export interface CommandOptions extends ProgramOptions {
  /** How many files it may open. Node needs about a hundred at once to load usher's modules. */
  readonly openFiles?: number;
}

/**
 * Starts `usher` with these words. `USHER_CONFIG` is empty unless the test gives it. The test runner puts an option
 * for Node into the environment of every child, which makes each start take twice as long: `env` takes it out again.
 */
export function startCommand(t: Test, words: readonly string[], options: CommandOptions = {}): Program {
  const env = { USHER_CONFIG: '', ...options.env };
  const command = ['/usr/bin/env', '-u', 'NODE_OPTIONS', process.execPath, MAIN, ...words];
  const limit = options.openFiles === undefined ? '' : `ulimit -n ${options.openFiles}; `;
  return startProgram(t, '/bin/sh', ['-c', `${limit}exec "$@"`, 'sh', ...command], { ...options, env });
}

/** Runs `usher` with these words to its end. */
export async function runCommand(t: Test, words: readonly string[], options: CommandOptions = {}): Promise<Program> {
  const program = startCommand(t, words, options);
  await program.ended();
  return program;
}

/** Starts `usher run`; resolves when it listens. */
export async function startRun(t: Test, words: readonly string[], options: CommandOptions = {}): Promise<Program> {
  const program = startCommand(t, ['run', ...words], options);
  await program.until(() => program.stderr.includes('"msg":"usher is running"'));
  return program;
}

/** One line of usher's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** The complete lines of the log so far; throws where one isn't JSON. */
export function logLines({ stderr }: Program): LogLine[] {
  const lines = stderr.slice(0, stderr.lastIndexOf('\n') + 1).split('\n');
  return lines.slice(0, -1).map(line => JSON.parse(line));
}
