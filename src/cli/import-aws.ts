/** `usher import aws`: from what AWS and Kubernetes have been told to a configuration that fits it. Nobody is asked. */
import { writeFile } from 'node:fs/promises';
import { flowsOf } from '../aws/flows.js';
import { type Imported, importConfig } from '../aws/import/import-config.js';
import { type InputProblem, readEstate } from '../aws/read/read-estate.js';
import { counted } from '../aws/words.js';
import { readPort } from '../control/config/host-port.js';
import { EXIT } from './exit-codes.js';
import { type OwnerOptions, readGiven } from './given-files.js';
import { printableLine } from './printable.js';
import { UsageError } from './probe-usage.js';

/** The options as commander hands them over. */
export interface ImportAwsOptions extends OwnerOptions {
  /** Where the application listens. */
  readonly backendPort?: string | undefined;
  /** A new file for the configuration, in place of standard output. */
  readonly out?: string | undefined;
}

/** What an import reads and where it writes; `process` has this shape. */
export interface ImportAwsIo {
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean | undefined };
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/**
 * Writes a commented configuration to stdout (or to the file `out`), and what is left to answer to stderr.
 *
 * @param words files and directories; `-`, or none where standard input is no terminal: standard input.
 * @returns the exit code: 0; 1 where a file can't be understood, or nothing in them sends connections to usher, or `out`
 *   can't be written; 64 where the words make no sense.
 */
export async function importAws(words: readonly string[], options: ImportAwsOptions, io: ImportAwsIo): Promise<number> {
  try {
    const backendPort = readBackendPort(options.backendPort);
    const { input, assignments, unnamed } = await readGiven('import', words, options, io.stdin, options.out);
    const { estate, problems } = readEstate(input.files, assignments);
    const faults = [...input.problems, ...problems];
    if (faults.length > 0) return tellFaults(faults, io);
    const again = [...(unnamed ? ['-'] : words), ...assignmentWords(options)];
    const imported = importConfig(estate, flowsOf(estate), { backendPort, words: again, file: options.out });
    return await deliver(imported, options.out, io);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    tell(io, error.message);
    return EXIT.wrongUsage;
  }
}

function readBackendPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = readPort(text);
  if ('value' in port) return port.value;
  throw new UsageError(`--backend-port: ${port.fault}`);
}

function assignmentWords({ targetGroup, listener, loadBalancer }: OwnerOptions): string[] {
  const given = { '--target-group': targetGroup, '--listener': listener, '--load-balancer': loadBalancer };
  return Object.entries(given).flatMap(([option, words = []]) => words.flatMap(word => [option, word]));
}

function tellFaults(faults: readonly InputProblem[], io: ImportAwsIo): number {
  const { shown, left } = bounded(faults, MOST_QUESTIONS, 'more problems');
  for (const { file, line, message } of shown) {
    const name = file === '-' ? 'standard input' : file;
    tell(io, `${name}${line === 0 ? '' : `:${line}`}: ${message}`);
  }
  for (const line of left) tell(io, line);
  return EXIT.failed;
}

async function deliver(imported: Imported, out: string | undefined, io: ImportAwsIo): Promise<number> {
  const { yaml, leftOut } = imported;
  if (yaml === undefined) {
    const { shown, left } = bounded(leftOut, MOST_LEFT_OUT, 'more were left out');
    for (const words of shown) tell(io, `left out: ${words}`);
    for (const line of left) tell(io, line);
    tell(
      io,
      'these files name no port of a balancer that sends to usher: give those of its listeners and target groups',
    );
    return EXIT.failed;
  }
  if (out === undefined) io.stdout.write(yaml);
  else {
    const fault = await writeNew(out, yaml);
    if (fault !== undefined) {
      tell(io, `${out}: ${fault}`);
      return EXIT.failed;
    }
  }
  summarize(imported, out, io);
  return EXIT.fine;
}

const CAUSES: Readonly<Record<string, string>> = {
  EEXIST: 'this file is there already: name a new one, or remove it first',
  ENOENT: 'its directory does not exist: check the path',
  EACCES: 'this user may not write there: check the permissions',
};

/** What a person has written is never overwritten. */
async function writeNew(path: string, text: string): Promise<string | undefined> {
  try {
    await writeFile(path, text, { flag: 'wx' });
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return CAUSES[code] ?? `it cannot be written (${code}): check the path`;
  }
}

function summarize({ listeners, questions, leftOut }: Imported, out: string | undefined, io: ImportAwsIo): void {
  const made = `${out === undefined ? '' : `${out}: `}${counted(listeners, 'listener')}`;
  const asked = questions.length === 0 ? 'no question is open' : `${counted(questions.length, 'question')} to answer`;
  tell(io, `${made}, ${asked}`);
  const asking = bounded(questions, MOST_QUESTIONS, 'more questions');
  for (const { number, path, words, commands, more } of asking.shown) {
    io.stderr.write(`  ${number}. ${printableLine(`${path}: ${words}`)}\n`);
    const exact = bounded(commands, MOST_COMMANDS, 'more commands', more);
    for (const line of [...exact.shown, ...exact.left]) io.stderr.write(`       ${printableLine(line)}\n`);
  }
  for (const line of asking.left) io.stderr.write(`  ${line}\n`);
  tellLeftOut(leftOut, io);
}

function tellLeftOut(leftOut: readonly string[], io: ImportAwsIo): void {
  const { shown, left } = bounded(leftOut, MOST_LEFT_OUT, 'more were left out');
  for (const words of shown) io.stderr.write(`  left out: ${printableLine(words)}\n`);
  for (const line of left) io.stderr.write(`  ${line}\n`);
}

/** Nobody reads more; the file has the questions. */
const MOST_QUESTIONS = 50;
const MOST_COMMANDS = 10;
const MOST_LEFT_OUT = 30;

/** The first ones, and a line that counts the others; `beyond`: those that `all` lacks already. */
function bounded<T>(all: readonly T[], most: number, words: string, beyond = 0) {
  const left = Math.max(0, all.length - most) + beyond;
  return { shown: all.slice(0, most), left: left > 0 ? [`and ${left} ${words}`] : [] };
}

function tell(io: ImportAwsIo, sentence: string): void {
  io.stderr.write(`usher import aws: ${printableLine(sentence)}\n`);
}
