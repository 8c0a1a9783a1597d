/** A dial ends once: connected, refused, or too late. */
import net from 'node:net';
import t from 'tap';
import { dial } from '../../src/backend/dial.js';
import { deafPort, freePort } from '../support/ports.js';
import { serve } from '../support/sockets.js';

/** What a dial came to. */
function dialed(port: number, timeoutMs: number, host = '127.0.0.1'): Promise<net.Socket | string> {
  let called = 0;
  return new Promise((resolve, reject) => {
    const once = (result: net.Socket | string) => {
      called += 1;
      if (called > 1) reject(new Error('told twice'));
      resolve(result);
    };
    dial({ host, port, weight: 1 }, timeoutMs, { onConnected: once, onFailed: once });
    if (called > 0) reject(new Error('told inside the call'));
  });
}

t.test('a connection that stands is handed over without listeners of ours', async t => {
  const { port } = await serve(t);
  const socket = await dialed(port, 1_000);
  if (!(socket instanceof net.Socket)) throw new Error(socket);
  t.teardown(() => socket.destroy());
  t.equal(socket.remotePort, port);
  t.equal(socket.listenerCount('error'), 0);
  t.equal(socket.listenerCount('connect'), 0);
  t.ok(socket.allowHalfOpen);
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
