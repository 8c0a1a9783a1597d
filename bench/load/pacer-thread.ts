/** The thread of {@link startPacer}: says when each unit of work is due. */
import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs } from './monotonic.js';

const { everyMs, count } = workerData as { readonly everyMs: number; readonly count: number };
const never = new Int32Array(new SharedArrayBuffer(4));
const startedAt = monotonicMs();

for (let i = 1; i <= count; i += 1) {
  const due = startedAt + i * everyMs;
  // Unlike a timer this takes fractions of a millisecond.
  Atomics.wait(never, 0, 0, Math.max(due - monotonicMs(), 0));
  parentPort?.postMessage(due);
}
