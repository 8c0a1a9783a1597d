/** The command line of the benchmark. */

import { fileURLToPath } from 'node:url';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { ON_DEMAND, SUBJECT_NAMES, type SubjectName } from './subject.js';
import { WORKLOADS } from './workloads/all.js';
import type { Workload } from './workloads/workload.js';

export interface Options {
  readonly workloads: readonly Workload[];
  /** Whom to measure, usher first; some may not be installed. */
  readonly names: readonly SubjectName[];
  readonly rounds: number;
  readonly seconds: number;
  /** Directory for the results; undefined: none are written, because a part would overwrite a whole. */
  readonly out: string | undefined;
  /** Whether a missed floor is a failure. */
  readonly assert: boolean;
}

const RESULTS = fileURLToPath(new URL('../../bench/results', import.meta.url));
const PEERS = SUBJECT_NAMES.filter(name => name !== 'usher');
const USUAL = PEERS.filter(name => !ON_DEMAND.includes(name));
const NAMES = WORKLOADS.map(({ name }) => name);

const WHICH = `
Workloads:
${WORKLOADS.map(({ name, title }) => `  ${name.padEnd(9)} ${title}`).join('\n')}`;

/**
 * Exits by itself for `--help`, and with 1 for wrong usage.
 * @param args without node and script
 */
export function readOptions(args: readonly string[]): Options {
  const command = new Command('npm run bench --')
    .description('Measures usher beside HAProxy, nginx, http-proxy and the backend itself.')
    .addArgument(new Argument('[workloads...]', 'which workloads (default: all)').choices(NAMES))
    .option('--peer <name>', `beside usher only this one; repeatable: ${PEERS.join(', ')}`, anotherPeer)
    .option('--rounds <count>', 'rounds of each measurement', wholeNumber, 3)
    .option('--seconds <count>', 'seconds of each measurement', wholeNumber, 3)
    .option('--out <directory>', 'where the results go (default: bench/results, for a run of everything only)')
    .option('--assert', 'exit with 1 when a floor is missed', false)
    .addHelpText('after', WHICH)
    .parse(args, { from: 'user' });
  const { peer, out, ...rest } = command.opts<Parsed>();
  const everything = command.args.length === 0 && peer === undefined;
  return {
    ...rest,
    out: out ?? (everything ? RESULTS : undefined),
    workloads: chosen(command.args),
    names: SUBJECT_NAMES.filter(name => name === 'usher' || (peer ?? USUAL).includes(name)),
  };
}

interface Parsed extends Pick<Options, 'rounds' | 'seconds' | 'assert'> {
  readonly peer?: readonly SubjectName[];
  readonly out?: string;
}

function chosen(names: readonly string[]): readonly Workload[] {
  return names.length === 0 ? WORKLOADS : WORKLOADS.filter(({ name }) => names.includes(name));
}

function anotherPeer(text: string, before: readonly SubjectName[] = []): SubjectName[] {
  const peer = PEERS.find(name => name === text);
  if (peer === undefined) throw new InvalidArgumentError(`choose from ${PEERS.join(', ')}.`);
  return [...before, peer];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 3600) throw new InvalidArgumentError('write a whole number.');
  return value;
}
