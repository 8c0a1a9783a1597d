/** What Linux tells below /proc about a process and all its descendants. */
import { readdirSync, readFileSync } from 'node:fs';

/** The process and its descendants, parents first. */
export function family(pid: number): number[] {
  const children = tasks(pid).flatMap(task => words(`/proc/${pid}/task/${task}/children`).map(Number));
  return [pid, ...children.flatMap(family)];
}

/** CPU time of the family so far, user and system, all threads, in microseconds. */
export function cpuMicroseconds(pid: number): number {
  const threads = family(pid).flatMap(member => tasks(member).map(task => `/proc/${member}/task/${task}/schedstat`));
  // The first number is the time on a CPU, in nanoseconds.
  return threads.reduce((sum, file) => sum + Number(words(file)[0]), 0) / 1000;
}

/** Memory of the family in kB; a page that several processes share counts in parts (Pss). */
export function memoryKb(pid: number): number {
  return family(pid).reduce((sum, member) => {
    const rollup = readFileSync(`/proc/${member}/smaps_rollup`, 'utf8');
    return sum + Number(/^Pss: +(\d+) kB/m.exec(rollup)?.[1]);
  }, 0);
}

/** How many files this process and those that it starts may have open. */
export function openFileLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? 1024);
}

function tasks(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`);
}

function words(file: string): string[] {
  return readFileSync(file, 'utf8').split(/\s+/).filter(Boolean);
}
