/** Requests one after another on connections that stay open, by autocannon. */

import type { Socket } from 'node:net';
import autocannon from 'autocannon';
import { SMALL_ANSWER } from '../answers.js';
import type { Subject } from '../subject.js';
import { metered, type Work, type Workload } from './workload.js';

const CONNECTIONS = 50;

export const http: Workload = {
  name: 'http',
  title: `HTTP keep-alive: small GETs on ${CONNECTIONS} connections, autocannon`,
  unit: 'request',
  units: 'requests',
  headline: 'cpu',
  direct: true,
  run: (subject, { seconds }) => metered(subject, () => shoot(subject, seconds)),
};

async function shoot(subject: Subject, seconds: number): Promise<Work> {
  const result = await autocannon({
    url: `http://127.0.0.1:${subject.port}/`,
    connections: CONNECTIONS,
    duration: seconds,
    expectBody: SMALL_ANSWER,
    setupClient: client => headerFirst(client, subject.header),
  });
  const { errors, non2xx, mismatches } = result;
  return { units: result['2xx'] - mismatches, errors: errors + non2xx + mismatches };
}

/** Has autocannon begin each of its connections with a header: it keeps the socket in `conn` before it writes. */
function headerFirst(client: object, header: Buffer): void {
  if (header.length === 0) return;
  let conn: Socket | undefined;
  Object.defineProperty(client, 'conn', {
    get: () => conn,
    set: (socket: Socket | undefined) => {
      conn = socket;
      socket?.write(header);
    },
  });
}
