/** When a process that has grown is collected: only when it is quiet, and only when it is worth it. */
import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { type Heap, MemoryTidier, processHeap, tidyMemory } from '../../src/control/tidy-memory.js';

const MIB = 1024 * 1024;

/** A heap that does as it is told. */
class Model implements Heap {
  old = 16 * MIB;
  busy = 0;
  collections = 0;
  /** What a collection leaves; undefined: it fails. */
  alive: number | undefined = 16 * MIB;

  oldBytes(): number {
    return this.old;
  }

  load(): number {
    return this.busy;
  }

  async collect(): Promise<void> {
    this.collections += 1;
    if (this.alive === undefined) throw new Error('this Node can not');
    this.old = this.alive;
  }
}

/** @returns how often it was collected after each of so many looks */
async function looks(model: Model, tidier: MemoryTidier, count: number): Promise<number[]> {
  const seen: number[] = [];
  for (let i = 0; i < count; i += 1) {
    tidier.look();
    await turn();
    seen.push(model.collections);
  }
  return seen;
}

t.test('one that has grown is collected at the sixth quiet look, and once more', async t => {
  const model = new Model();
  const tidier = new MemoryTidier(model);
  model.old = 40 * MIB;
  t.same(await looks(model, tidier, 14), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2]);
  t.same(await looks(model, tidier, 20), Array(20).fill(2), 'never again as it is');
  model.old = 40 * MIB;
  t.same(await looks(model, tidier, 1), [3], 'it has been quiet for long');
});

t.test('one that is busy is left alone, and its quiet counts anew', async t => {
  const model = new Model();
  const tidier = new MemoryTidier(model);
  model.old = 40 * MIB;
  await looks(model, tidier, 5);
  model.busy = 0.11;
  t.same(await looks(model, tidier, 20), Array(20).fill(0));
  model.busy = 0.1;
  t.same(await looks(model, tidier, 6), [0, 0, 0, 0, 0, 1]);
});

t.test('a little more, and what is alive, is not worth it', async t => {
  const model = new Model();
  const tidier = new MemoryTidier(model);
  model.old = 20 * MIB - 1;
  t.same(await looks(model, tidier, 10), Array(10).fill(0), 'less than 4 MiB');
  model.old = 100 * MIB;
  model.alive = 100 * MIB;
  t.equal((await looks(model, tidier, 20)).at(-1), 2);
  model.old = 124 * MIB;
  t.equal((await looks(model, tidier, 20)).at(-1), 2, 'less than a quarter of what is alive');
  model.old = 60 * MIB;
  await looks(model, tidier, 1);
  model.old = 76 * MIB;
  t.equal((await looks(model, tidier, 1)).at(-1), 3, 'it counts from the least');
});

t.test('a Node that can not is not asked again', async t => {
  const model = new Model();
  const tidier = new MemoryTidier(model);
  model.alive = undefined;
  model.old = 40 * MIB;
  t.equal((await looks(model, tidier, 40)).at(-1), 1);
});

t.test('a collection of this process frees old objects, and no warning is told', async t => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  const heap = processHeap();
  const { emitWarning } = process;
  const before = heap.oldBytes();
  let garbage: { text: string[] }[] = [];
  for (let i = 0; heap.oldBytes() < before + 16 * MIB && i < 100; i += 1) {
    for (let n = 0; n < 10_000; n += 1) garbage.push({ text: [`${i} ${n}`] });
  }
  const grown = heap.oldBytes();
  t.ok(grown >= before + 16 * MIB);
  garbage = [];
  for (let i = 0; i < 10 && heap.oldBytes() > grown - 8 * MIB; i += 1) {
    const collected = heap.collect();
    t.equal(process.emitWarning, emitWarning);
    await collected;
  }
  t.ok(heap.oldBytes() <= grown - 8 * MIB, `${grown - heap.oldBytes()} bytes are free`);
  t.same(warnings, []);
  t.equal(garbage.length, 0);
  const load = heap.load();
  t.ok(load >= 0 && load <= 1, `${load}`);
});

t.test('it looks by itself and keeps no process alive', async () => {
  const stop = tidyMemory();
  stop();
});
