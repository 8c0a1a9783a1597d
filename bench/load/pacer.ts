/** Says when work is due, at a fixed rate, however long the work takes. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/**
 * Calls `onDue` so many times with when it was meant to be called, by {@link monotonicMs}; resolves after the last.
 * Node's own timers are late by up to a millisecond, so a thread keeps the time.
 */
export async function pace(everyMs: number, count: number, onDue: (due: number) => void): Promise<void> {
  const thread = new Worker(new URL('./pacer-thread.js', import.meta.url), { workerData: { everyMs, count } });
  thread.on('message', onDue);
  await once(thread, 'exit');
}
