/** A dial ends once: connected, refused, or too late. */
import t from 'tap';
import { dial } from '../../src/backend/dial.js';
import { bare } from '../../src/bare-transport.js';
import type { Transport } from '../../src/transport.js';
import { deafPort, freePort } from '../support/ports.js';
import { serve } from '../support/sockets.js';

/** What a dial came to. */
function dialed(port: number, timeoutMs: number, host = '127.0.0.1'): Promise<Transport | string> {
  let called = 0;
  return new Promise((resolve, reject) => {
    const once = (result: Transport | string) => {
      called += 1;
      if (called > 1) reject(new Error('told twice'));
      resolve(result);
    };
    dial({ host, port, weight: 1 }, timeoutMs, { onConnected: once, onFailed: once });
    if (called > 0) reject(new Error('told inside the call'));
  });
}

for (const manner of ['bare', 'plain']) {
  t.test(`the sockets are ${manner}`, async t => {
    const before = bare.off;
    bare.off = manner === 'plain';
    t.teardown(() => {
      bare.off = before;
    });

    t.test('a connection that stands is handed over', async t => {
      const { port } = await serve(t);
      const transport = await dialed(port, 1_000);
      if (typeof transport === 'string') throw new Error(transport);
      t.teardown(() => transport.destroy());
      t.equal(transport.remote?.port, port);
      t.ok(transport.usable);
    });

    t.test('a port on which nobody listens is unreachable', async t => {
      t.equal(await dialed(await freePort(), 1_000), 'backend-unreachable');
    });

    t.test('a name that does not exist is unreachable', async t => {
      t.equal(await dialed(80, 5_000, 'no-such-host.invalid'), 'backend-unreachable');
    });

    t.test('a port that does not answer is a timeout', async t => {
      t.equal(await dialed(await deafPort(t), 30), 'backend-connect-timeout');
    });
  });
}
