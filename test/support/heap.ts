/** How much of the heap is alive. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { turns } from './sockets.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Live bytes of the heap, when everything that can go has gone. */
export async function heap(): Promise<number> {
  await turns(5);
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

/** Bytes that stay alive with what `make` makes, for each of `count` calls. */
export async function keptBy(count: number, make: (index: number) => unknown): Promise<number> {
  make(0);
  const before = await heap();
  const made = Array.from({ length: count }, (_, index) => make(index));
  const grown = (await heap()) - before;
  return grown / made.length;
}
