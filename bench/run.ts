/** The order of things: every round of a workload, every subject in turn. */
import { checkAnswers } from './check.js';
import { FIGURE_NAMES, type Figure, type Figures } from './figures.js';
import { inTime } from './in-time.js';
import { launch, MOST_SOCKETS } from './launch.js';
import { type Spread, spreadOf } from './statistics.js';
import type { Subject, SubjectName } from './subject.js';
import type { Amount, Workload } from './workloads/workload.js';

export interface Plan {
  readonly names: readonly SubjectName[];
  readonly rounds: number;
  readonly seconds: number;
  readonly backendPort: number;
  /** Told before each measurement. */
  progress(what: string): void;
}

/** One figure over all rounds. */
export interface Measured extends Spread {
  readonly rounds: readonly number[];
}

export type SubjectResult = Readonly<Partial<Record<Figure, Measured>>>;

export interface WorkloadResult {
  readonly workload: Workload;
  readonly subjects: ReadonlyMap<SubjectName, SubjectResult>;
}

/** Enough for a just-in-time compiler, whose threads count too, and for pools and libraries to be loaded. */
const WARM_UP: Amount = { seconds: 4, sockets: Math.min(2000, MOST_SOCKETS) };
/** Besides the time that a measurement is meant to take. */
const PATIENCE_MS = 60_000;

/** Measures one workload. The processes are its own: none carries memory of another workload. */
export async function runWorkload(workload: Workload, plan: Plan): Promise<WorkloadResult> {
  const names = subjectsOf(workload, plan.names);
  const figures = new Map<SubjectName, Figures[]>(names.map(name => [name, []]));
  const running = new Map<SubjectName, Subject>();
  const rounds = roundsOf(workload, plan.rounds);
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of inTurn(names, round)) {
      plan.progress(`${workload.name}: ${name}, round ${round} of ${rounds}`);
      const subject = running.get(name) ?? (await begin(name, workload, plan));
      running.set(name, subject);
      figures.get(name)?.push(await runInTime(workload, subject, { seconds: plan.seconds, sockets: MOST_SOCKETS }));
      if (workload.fresh === true) await end(name, running);
    }
  }
  for (const name of names) await end(name, running);
  const compared = besideDirect(workload, figures);
  return { workload, subjects: new Map([...compared].map(([name, all]) => [name, overRounds(all)])) };
}

/** Whom a workload measures, of these. */
function subjectsOf({ direct, compare }: Workload, names: readonly SubjectName[]): SubjectName[] {
  const some = names.filter(name => name !== 'direct');
  return compare !== undefined || (direct && names.includes('direct')) ? [...some, 'direct'] : some;
}

/** How many rounds of a workload, when there are to be `rounds`. */
function roundsOf(workload: Workload, rounds: number): number {
  return Math.min(rounds, workload.rounds ?? rounds);
}

/** How many measurements a workload takes. */
export function measurementsOf(workload: Workload, { names, rounds }: Pick<Plan, 'names' | 'rounds'>): number {
  return subjectsOf(workload, names).length * roundsOf(workload, rounds);
}

/** Each round begins with another one, so that none is always measured behind the same one. */
function inTurn<T>(list: readonly T[], round: number): T[] {
  const first = (round - 1) % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

async function begin(name: SubjectName, workload: Workload, plan: Plan): Promise<Subject> {
  const subject = await launch(name, plan.backendPort);
  await checkAnswers(subject);
  await runInTime(workload, subject, workload.warmUp ?? WARM_UP);
  return subject;
}

async function end(name: SubjectName, running: Map<SubjectName, Subject>): Promise<void> {
  await running.get(name)?.program?.stop();
  running.delete(name);
}

function runInTime(workload: Workload, subject: Subject, amount: Amount): Promise<Figures> {
  const milliseconds = amount.seconds * 1000 + PATIENCE_MS;
  return inTime(
    workload.run(subject, amount),
    `${workload.name}: ${subject.name} does not come to an end`,
    milliseconds,
  );
}

type Rounds = ReadonlyMap<SubjectName, readonly Figures[]>;

/** Adds what follows from the comparison with the backend itself, round by round. */
function besideDirect({ compare }: Workload, figures: Rounds): Rounds {
  const direct = figures.get('direct');
  if (compare === undefined || direct === undefined) return figures;
  const compared = (own: Figures, round: number): Figures => ({ ...own, ...compare(own, direct[round] ?? {}) });
  return new Map([...figures].map(([name, own]) => [name, name === 'direct' ? own : own.map(compared)]));
}

function overRounds(all: readonly Figures[]): SubjectResult {
  const result: Partial<Record<Figure, Measured>> = {};
  for (const figure of FIGURE_NAMES) {
    const rounds = all.flatMap(figures => figures[figure] ?? []);
    if (rounds.length > 0) result[figure] = { ...spreadOf(rounds), rounds };
  }
  return result;
}
