/** More transfers at once than there are bulk buffers, at every pace: nobody gets another's bytes. */
import { createHash } from 'node:crypto';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { leftovers, NOTHING_LEFT } from '../support/flow.js';
import { startUsherBefore } from '../support/usher.js';

const TRANSFERS = 80;
const BYTES = 3 << 20;

/** What transfer `index` carries: its own number over and over, so that a foreign byte shows. */
function body(index: number): Buffer {
  const bytes = Buffer.alloc(BYTES);
  for (let at = 0; at < BYTES; at += 4) bytes.writeUInt32LE(index * 0x01000193 + at, at);
  return bytes;
}

function hashOf(index: number): string {
  return createHash('sha1').update(body(index)).digest('hex');
}

/** Answers `GET /7` with body 7, chunked where the number is odd, and `POST /7` with the hash of what it was sent. */
async function startBackend(t: Test): Promise<number> {
  const server = createServer((incoming, answer) => {
    const index = Number(incoming.url?.slice(1));
    if (incoming.method === 'POST') {
      const hash = createHash('sha1');
      incoming.on('data', (bytes: Buffer) => hash.update(bytes));
      incoming.on('end', () => answer.end(hash.digest('hex')));
    } else {
      if (index % 2 === 0) answer.setHeader('Content-Length', BYTES);
      answer.write(body(index));
      answer.end();
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/**
 * Downloads; every third client dawdles, and every seventh leaves in the middle.
 * @returns the hash of what came; undefined: it left
 */
function download(port: number, index: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', path: `/${index}`, agent: false }, answer => {
      const hash = createHash('sha1');
      let bytes = 0;
      answer.on('data', (piece: Buffer) => {
        hash.update(piece);
        bytes += piece.length;
        if (index % 7 === 0 && bytes > BYTES / 2) {
          answer.destroy();
          resolve(undefined);
        } else if (index % 3 === 0) {
          answer.pause();
          setImmediate(() => answer.resume());
        }
      });
      answer.on('end', () => resolve(hash.digest('hex')));
      answer.on('error', () => resolve(undefined));
    });
    asked.on('error', reject);
    asked.end();
  });
}

function upload(port: number, index: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', path: `/${index}`, method: 'POST', agent: false };
    const asked = request(options, answer => {
      let text = '';
      answer.on('data', piece => {
        text += String(piece);
      });
      answer.on('end', () => resolve(text));
    });
    asked.on('error', reject);
    if (index % 2 === 0) asked.setHeader('Content-Length', BYTES);
    asked.end(body(index));
  });
}

t.test('downloads and uploads side by side', async t => {
  const usher = await startUsherBefore(t, await startBackend(t), { proxyProtocol: 'off' });
  const indexes = Array.from({ length: TRANSFERS }, (_, index) => index);
  const results = await Promise.all(
    indexes.map(index => (index % 4 === 3 ? upload(usher.port, index) : download(usher.port, index))),
  );
  const whole = indexes.filter(index => results[index] !== undefined);
  t.ok(whole.length > TRANSFERS / 2);
  for (const index of whole) t.equal(results[index], hashOf(index), `transfer ${index}`);
  t.same(await leftovers(usher), NOTHING_LEFT);
});
