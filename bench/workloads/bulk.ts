/** Large bodies, one after another on connections that stay open. */
import { BIG_BYTES } from '../answers.js';
import { HttpConnection } from '../load/http-connection.js';
import type { ResponseReader } from '../load/response-reader.js';
import type { Subject } from '../subject.js';
import { metered, sideBySide, type Work, type Workload } from './workload.js';

const CONNECTIONS = 4;
const MIB = BIG_BYTES / 1024 / 1024;

/** One direction: the request that moves the bytes, and how one knows that they came. */
interface Transfer {
  readonly name: string;
  readonly request: Buffer;
  isRight(response: ResponseReader): boolean;
}

function bulk(transfer: Transfer): Workload {
  return {
    name: transfer.name,
    title: `${transfer.name}s of ${MIB} MiB, ${CONNECTIONS} at a time`,
    unit: 'MiB',
    units: 'MiB',
    headline: 'cpu',
    direct: true,
    run: (subject, { seconds }) => metered(subject, () => move(subject, transfer, seconds)),
  };
}

export const download = bulk({
  name: 'download',
  request: Buffer.from('GET /big HTTP/1.1\r\nHost: chat.example.com\r\n\r\n'),
  isRight: response => response.status === 200 && response.bodyBytes === BIG_BYTES,
});

const UPLOAD_HEAD = `POST /sink HTTP/1.1\r\nHost: chat.example.com\r\nContent-Length: ${BIG_BYTES}\r\n\r\n`;

export const upload = bulk({
  name: 'upload',
  request: Buffer.concat([Buffer.from(UPLOAD_HEAD), Buffer.alloc(BIG_BYTES, 'x')]),
  isRight: response => response.is(String(BIG_BYTES)),
});

async function move(subject: Subject, { request, isRight }: Transfer, seconds: number): Promise<Work> {
  let transfers = 0;
  let errors = 0;
  await sideBySide(CONNECTIONS, seconds, async until => {
    let connection = new HttpConnection(subject);
    while (performance.now() < until) {
      if ((await connection.exchange(request)) && isRight(connection.response)) transfers += 1;
      else {
        errors += 1;
        connection.destroy();
        connection = new HttpConnection(subject);
      }
    }
    connection.destroy();
  });
  return { units: transfers * MIB, errors };
}
