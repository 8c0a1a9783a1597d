/**
 * Thousands of exchanges with random resets, stalls, splits and half-closes on both sides. Afterwards nothing is left
 * open, and no byte has reached anybody but its owner. `USHER_FAULT_SEED` repeats a run, `USHER_FAULT_EXCHANGES` makes
 * it longer.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { type FaultyBackend, startFaultyBackend } from '../faults/backend.js';
import { converse, type Tally } from '../faults/client.js';
import { Random } from '../faults/random.js';
import type { Recorder } from '../support/recorder.js';
import { backendSettings, listenerSettings } from '../support/settings.js';
import { startUsher } from '../support/usher.js';

// 10,000 exchanges took 52 s beside other tests on a slow machine.
t.setTimeout(120_000);

const SEED = Number(process.env['USHER_FAULT_SEED'] ?? Date.now() % 1_000_000);
const EXCHANGES = Number(process.env['USHER_FAULT_EXCHANGES'] ?? 10_000);
const CLIENTS = 64;
const MAX_GROWTH_BYTES = 24 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function heapAtRest(): number {
  for (let i = 0; i < 4; i += 1) collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Faults that clients saw and that nobody had planned, each with what usher says of its exchange. Empties the tally. */
function unexplained(tally: Tally, backend: FaultyBackend, seen: Recorder): string[] {
  const found = [...tally.faults].flatMap(([id, fault]) => {
    const code = seen.exchanges.find(exchange => exchange.target === `/${id}`)?.code;
    const explained = backend.overtaken.has(id) && code === 'backend-response-invalid';
    return explained ? [] : [`${id}: ${fault}, ${code ?? 'no code'}`];
  });
  tally.faults.clear();
  return found;
}

t.test('after thousands of faulty exchanges everything is at rest, and nothing got mixed', async t => {
  t.comment(`seed ${SEED}, ${EXCHANGES} exchanges`);
  const random = new Random(SEED);
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  t.teardown(() => process.off('unhandledRejection', onUnhandled));

  const backend = await startFaultyBackend(t, random);
  const usher = await startUsher(
    t,
    [listenerSettings({ timeouts: { requestHeadMs: 3_000, requestBodyMs: 3_000, responseMs: 3_000 } })],
    [backendSettings([backend.port])],
  );
  const tally: Tally = { exchanges: 0, clean: 0, statuses: new Map(), faults: new Map() };
  let name = 0;
  const client = async (limit: number) => {
    while (tally.exchanges < limit) {
      name += 1;
      await converse(usher.port, name, 1 + random.below(8), random, tally);
    }
  };
  const clients = (limit: number) => Promise.all(Array.from({ length: CLIENTS }, () => client(limit)));

  await clients(EXCHANGES / 10);
  await usher.seen.atRest();
  const faults = unexplained(tally, backend, usher.seen);
  usher.seen.exchanges.length = 0;
  const heapBefore = heapAtRest();
  await clients(EXCHANGES);
  await usher.seen.atRest();
  faults.push(...unexplained(tally, backend, usher.seen));
  usher.seen.exchanges.length = 0;

  t.comment(`${tally.exchanges} exchanges, ${tally.clean} clean, statuses ${JSON.stringify([...tally.statuses])}`);
  t.comment(`${backend.overtaken.size} came on a connection behind unasked bytes that were still on their way`);
  t.same(faults.slice(0, 20), [], 'no client saw a fault that was not planned');
  t.same(backend.faults.slice(0, 20), [], 'no request reached the backend damaged or mixed');
  t.same(unhandled, [], 'no promise was left unhandled');
  t.notOk(usher.seen.codes.includes('internal-error'), 'usher met no unexpected error');
  t.equal(usher.proxy.openConnections, 0, 'no client connection is open');
  const [endpoint] = usher.proxy.status().backends[0]?.endpoints ?? [];
  t.equal(endpoint?.active, 0, 'no lease is out');
  t.ok(heapAtRest() - heapBefore < MAX_GROWTH_BYTES, 'the heap is what it was');
  await usher.proxy.close();
  t.equal(usher.proxy.status().backends[0]?.endpoints[0]?.idle, 0, 'the pool is empty after close');
});
