/** What a WebSocket costs that says nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import { Crowd } from '../load/crowd.js';
import { memoryKb } from '../process-files.js';
import type { Workload } from './workload.js';

const SOCKETS = 8000;
/** So many open before the next do, because a storm would leave memory behind that idling doesn't need. */
const BATCH = 500;

/** Nobody idles for less, and what opening them left behind is given back to the system by then. */
const IDLE_MS = 30_000;

export const idle: Workload = {
  name: 'idle',
  title: `idle WebSockets: memory of up to ${SOCKETS}`,
  unit: 'WebSocket',
  units: 'WebSockets',
  headline: 'each',
  fresh: true,
  sockets: SOCKETS,
  rounds: 1,
  direct: false,
  // Few: what they leave behind is used again, and so not counted.
  warmUp: { seconds: 1, sockets: 100 },
  run: async (subject, { sockets }) => {
    const pid = subject.program?.pid ?? process.pid;
    const count = Math.min(sockets, SOCKETS);
    const crowd = new Crowd(subject);
    const before = memoryKb(pid);
    for (let open = 0; open < count; open += BATCH) await crowd.gather(Math.min(BATCH, count - open));
    await delay(IDLE_MS);
    const after = memoryKb(pid);
    const errors = crowd.lost;
    await crowd.dismiss();
    return { each: (after - before) / count, memory: after / 1024, errors };
  },
};
