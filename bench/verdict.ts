/** Where usher stands against the floors: pure. */
import { FLOORS, type Floor } from './floors.js';
import type { WorkloadResult } from './run.js';
import type { SubjectName } from './subject.js';

export interface Verdict {
  readonly floor: Floor;
  /** Whom usher was compared with; undefined when nobody, or when none of them was measured. */
  readonly than: SubjectName | undefined;
  /** The ratio, or the figure itself; undefined when it can't be judged. */
  readonly value: number | undefined;
  readonly standing: 'goal' | 'floor' | 'short' | 'not judged';
}

/** One verdict for each floor whose workload was measured. */
export function judge(results: readonly WorkloadResult[], floors: readonly Floor[] = FLOORS): Verdict[] {
  return floors.flatMap(floor => {
    const result = results.find(({ workload }) => workload.name === floor.workload);
    return result === undefined ? [] : [judgeOne(floor, result)];
  });
}

function judgeOne(floor: Floor, result: WorkloadResult): Verdict {
  const than = floor.against === 'better' ? betterOf(result) : floor.against === 'nothing' ? undefined : floor.against;
  const usher = headlineOf(result, 'usher');
  const other = floor.against === 'nothing' ? 1 : than === undefined ? undefined : headlineOf(result, than);
  const value = ratioOf(usher, other);
  return { floor, than: other === undefined ? undefined : than, value, standing: standingOf(value, floor) };
}

function standingOf(value: number | undefined, { floor, goal }: Floor): Verdict['standing'] {
  if (value === undefined) return 'not judged';
  if (value > floor) return 'short';
  return goal !== undefined && value <= goal ? 'goal' : 'floor';
}

/** Which of HAProxy and nginx did better, or was measured at all. */
export function betterOf(result: WorkloadResult): SubjectName | undefined {
  const peers = (['haproxy', 'nginx'] as const).filter(name => headlineOf(result, name) !== undefined);
  return peers.sort((a, b) => (headlineOf(result, a) ?? 0) - (headlineOf(result, b) ?? 0))[0];
}

/** The median of the figure in which this workload compares. */
export function headlineOf({ workload, subjects }: WorkloadResult, name: SubjectName): number | undefined {
  return subjects.get(name)?.[workload.headline]?.median;
}

/** How many times the second the first is; undefined when one isn't there. */
export function ratioOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined || other <= 0 ? undefined : one / other;
}

const MISSING: Readonly<Record<Floor['against'], string>> = {
  better: 'HAProxy and nginx were',
  'http-proxy': 'http-proxy was',
  nothing: 'usher was',
};

/** `conn: 2.74 × nginx, short of the floor (2.50) by 0.24` */
export function sentenceOf({ floor, than, value, standing }: Verdict): string {
  const { workload, against, floor: limit, goal } = floor;
  if (value === undefined) return `${workload}: not judged, because ${MISSING[against]} not measured`;
  const what = against === 'nothing' ? `${value.toFixed(1)} kB each` : `${value.toFixed(2)} × ${than}`;
  const number = (of: number): string => of.toFixed(against === 'nothing' ? 1 : 2);
  return `${workload}: ${what}, ${standingWords(standing, value, limit, goal, number)}`;
}

function standingWords(
  standing: Verdict['standing'],
  value: number,
  floor: number,
  goal: number | undefined,
  number: (of: number) => string,
): string {
  if (standing === 'short') return `short of the floor (${number(floor)}) by ${number(value - floor)}`;
  if (goal === undefined) return `the floor (${number(floor)}) is reached by ${number(floor - value)}`;
  if (standing === 'goal') return `the goal (${number(goal)}) is reached by ${number(goal - value)}`;
  return `the floor (${number(floor)}) is reached, short of the goal (${number(goal)}) by ${number(value - goal)}`;
}
