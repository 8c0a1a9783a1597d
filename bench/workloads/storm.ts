/** Everybody comes back at the same moment. */
import { Crowd } from '../load/crowd.js';
import { percentile } from '../statistics.js';
import { metered, type Workload } from './workload.js';

const SOCKETS = 5000;

export const storm: Workload = {
  name: 'storm',
  title: `reconnect storm: ${SOCKETS} WebSockets at once, milliseconds from connect to 101`,
  unit: 'WebSocket',
  units: 'WebSockets',
  headline: 'cpu',
  direct: true,
  sockets: SOCKETS,
  run: async (subject, { sockets }) => {
    const crowd = new Crowd(subject);
    const startedAt = performance.now();
    let allUp = 0;
    const figures = await metered(subject, async () => {
      await crowd.gather(Math.min(sockets, SOCKETS));
      allUp = performance.now() - startedAt;
      return { units: crowd.opening.length, errors: crowd.lost };
    });
    await crowd.dismiss();
    const sorted = crowd.opening.toSorted((a, b) => a - b);
    return { ...figures, allUp, p50: percentile(sorted, 50), p99: percentile(sorted, 99) };
  },
};
