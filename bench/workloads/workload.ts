/** What a workload is, and how one counts what it costs. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Figure, Figures } from '../figures.js';
import { cpuMicroseconds, memoryKb } from '../process-files.js';
import type { Subject } from '../subject.js';

/** How much of it. */
export interface Amount {
  readonly seconds: number;
  /** At most as many WebSockets at a time; what the limit of open files allows. */
  readonly sockets: number;
}

export interface Workload {
  readonly name: string;
  /** One line: what is done, and by how many at a time. */
  readonly title: string;
  /** What is counted: one, and many. */
  readonly unit: string;
  readonly units: string;
  /** The figure in which subjects are compared; less is better. */
  readonly headline: Figure;
  /** Each measurement begins with processes just started: memory that was used before would hide what is new. */
  readonly fresh?: boolean;
  /** How many WebSockets it opens at a time, if they are many. */
  readonly sockets?: number;
  /** At most so many rounds, where one tells as much as several. */
  readonly rounds?: number;
  /** Whether the backend itself is measured too. */
  readonly direct: boolean;
  /** What is done first and not measured; left out: enough for every other workload. */
  readonly warmUp?: Amount;
  run(subject: Subject, amount: Amount): Promise<Figures>;
  /** More figures that follow from those of the same round without a proxy. */
  compare?(figures: Figures, direct: Figures): Figures;
}

/** What was done. */
export interface Work {
  readonly units: number;
  readonly errors: number;
}

/** So that what the proxy does after the last answer counts too. */
const TAIL_MS = 100;

/** Does the work and counts its time, its CPU time and the memory behind it. */
export async function metered(subject: Subject, work: () => Promise<Work>): Promise<Figures> {
  const { program } = subject;
  const cpuBefore = program === undefined ? 0 : cpuMicroseconds(program.pid);
  const startedAt = performance.now();
  const { units, errors } = await work();
  const seconds = (performance.now() - startedAt) / 1000;
  await delay(TAIL_MS);
  const rate = { perSecond: units / seconds, errors };
  if (program === undefined) return rate;
  program.check();
  return {
    ...rate,
    cpu: (cpuMicroseconds(program.pid) - cpuBefore) / units,
    memory: memoryKb(program.pid) / 1024,
  };
}

/** Runs `loop` so many times side by side; each goes on until the time it is given, `performance.now()`. */
export async function sideBySide(loops: number, seconds: number, loop: (until: number) => Promise<void>) {
  const until = performance.now() + seconds * 1000;
  await Promise.all(Array.from({ length: loops }, () => loop(until)));
}
