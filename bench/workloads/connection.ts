/** A new connection for every request. */
import { SMALL_ANSWER } from '../answers.js';
import { openConnection } from '../load/connection.js';
import { ResponseReader } from '../load/response-reader.js';
import type { Subject } from '../subject.js';
import { metered, sideBySide, type Work, type Workload } from './workload.js';

const CONNECTIONS = 50;
const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: chat.example.com\r\nConnection: close\r\n\r\n');

export const conn: Workload = {
  name: 'conn',
  title: `one connection per request: small GETs, ${CONNECTIONS} at a time`,
  unit: 'connection',
  units: 'connections',
  headline: 'cpu',
  direct: true,
  run: (subject, { seconds }) => metered(subject, () => knock(subject, seconds)),
};

async function knock(subject: Subject, seconds: number): Promise<Work> {
  let units = 0;
  let errors = 0;
  await sideBySide(CONNECTIONS, seconds, async until => {
    while (performance.now() < until) {
      if (await requestOnce(subject)) units += 1;
      else errors += 1;
    }
  });
  return { units, errors };
}

/** Resolves when the connection is closed, with whether the answer was right and whole. */
function requestOnce(subject: Subject): Promise<boolean> {
  const response = new ResponseReader();
  let right = false;
  return new Promise(resolve => {
    openConnection(subject, REQUEST, {
      onBytes: bytes => {
        right = response.take(bytes) === 'done' && response.is(SMALL_ANSWER);
      },
      onClose: () => resolve(right),
    });
  });
}
