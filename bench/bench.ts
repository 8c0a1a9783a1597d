/**
 * `npm run bench`: usher beside HAProxy, nginx, http-proxy and the backend itself, in one run behind the same load.
 * The README here says what is measured and why it is fair.
 */
import { relative } from 'node:path';
import { findProgram, launchBackend, MOST_SOCKETS } from './launch.js';
import { type Options, readOptions } from './options.js';
import { stopAll } from './program.js';
import { Progress } from './progress.js';
import { machine, versions } from './report/report.js';
import { rowsOf } from './report/rows.js';
import { table } from './report/table.js';
import { writeReport } from './report/write.js';
import { measurementsOf, runWorkload, type WorkloadResult } from './run.js';
import type { SubjectName } from './subject.js';
import { judge, sentenceOf, type Verdict } from './verdict.js';
import type { Workload } from './workloads/workload.js';

/** Peers that npm doesn't install. */
const INSTALLED: readonly SubjectName[] = ['haproxy', 'nginx'];

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

async function main(options: Options): Promise<void> {
  const { workloads, rounds, seconds, out } = options;
  if (process.platform !== 'linux') throw new Error('CPU time and memory are read from /proc, so this needs Linux');
  const names = options.names.filter(isHere);
  for (const workload of workloads) noteFewer(workload);
  const facts = { date: new Date().toISOString(), machine: machine(), versions: versions(names) };
  const startedAt = performance.now();
  const results = await measureAll(options, names);
  const verdicts = judge(results);
  print(`\n${verdicts.map(sentenceOf).join('\n')}`);
  print(`\nIt took ${Math.round((performance.now() - startedAt) / 1000)} s.`);
  if (out !== undefined) {
    writeReport({ ...facts, settings: { rounds, seconds }, results, verdicts }, out);
    print(`Results are in ${relative(process.cwd(), out)}.`);
  } else print('Nothing was written, because this was a part; with --out DIRECTORY it would be.');
  if (options.assert && verdicts.some(isShort)) process.exitCode = 1;
}

async function measureAll(options: Options, names: readonly SubjectName[]): Promise<WorkloadResult[]> {
  const plan = { names, rounds: options.rounds, seconds: options.seconds, backendPort: await launchBackend() };
  const total = options.workloads.reduce((sum, workload) => sum + measurementsOf(workload, plan), 0);
  const progress = new Progress(process.stderr, total);
  const results: WorkloadResult[] = [];
  for (const workload of options.workloads) {
    const result = await runWorkload(workload, { ...plan, progress: what => progress.next(what) });
    progress.clear();
    print(`\n${workload.name}: ${workload.title}\n${table(rowsOf(result)).join('\n')}`);
    results.push(result);
  }
  return results;
}

function isHere(name: SubjectName): boolean {
  const here = !INSTALLED.includes(name) || findProgram(name) !== undefined;
  if (!here) print(`${name} is left out, because it is not installed.`);
  return here;
}

function noteFewer({ name, sockets = 0 }: Workload): void {
  if (sockets <= MOST_SOCKETS) return;
  print(
    `${name}: only ${MOST_SOCKETS} WebSockets at a time, because the limit of open files (ulimit -n) allows no more.`,
  );
}

function isShort({ standing }: Verdict): boolean {
  return standing === 'short';
}

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true;
    stopAll().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  });
}
try {
  await main(readOptions(process.argv.slice(2)));
} catch (error) {
  if (!interrupted) process.stderr.write(`\nbench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await stopAll();
}
