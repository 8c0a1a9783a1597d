/** Large flows for tests: a source that counts what is accepted, a sink that hashes, and the moment when all stands. */
import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { RunningUsher } from './usher.js';

const BLOCK_BYTES = 1 << 20;

/** Random, so that a block that is lost, doubled or exchanged shows. */
const BLOCKS = Array.from({ length: 4 }, () => randomBytes(BLOCK_BYTES));

export interface Content {
  readonly blocks: readonly Buffer[];
  readonly hash: string;
}

const contents = new Map<number, Content>();

/** Blocks of 1 MiB, and the hash of all of them. */
export function content(mebibytes: number): Content {
  const made = contents.get(mebibytes) ?? makeContent(mebibytes);
  contents.set(mebibytes, made);
  return made;
}

function makeContent(mebibytes: number): Content {
  const hash = createHash('sha1');
  const blocks = Array.from({ length: mebibytes }, (_, index) => BLOCKS[index % BLOCKS.length] ?? Buffer.alloc(0));
  for (const block of blocks) hash.update(block);
  return { blocks, hash: hash.digest('hex') };
}

/** Writes blocks one behind the other, each when the one before was accepted. */
export class Source {
  /** Bytes that the system took. */
  accepted = 0;

  constructor(
    private readonly to: Writable,
    private readonly blocks: readonly Buffer[],
  ) {}

  /** Resolves when all is written. */
  async run(): Promise<void> {
    for (const block of this.blocks) await this.write(block);
  }

  private write(block: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.to.write(block, error => {
        if (error) reject(error);
        else resolve();
        this.accepted += block.length;
      });
    });
  }
}

/** Counts and hashes; keeps nothing. */
export class Sink extends EventEmitter {
  bytes = 0;
  private readonly hash = createHash('sha1');

  constructor(from: Readable) {
    super();
    from.on('data', (bytes: Buffer) => this.take(bytes));
  }

  take(bytes: Buffer): void {
    this.bytes += bytes.length;
    this.hash.update(bytes);
    this.emit('change');
  }

  /** The hash of the first `bytes` bytes, when they are there; nothing may come behind them. */
  async digest(bytes: number): Promise<string> {
    while (this.bytes < bytes) await once(this, 'change');
    if (this.bytes > bytes) throw new Error(`${this.bytes - bytes} bytes too many`);
    return this.hash.digest('hex');
  }
}

const TURNS = 200;

/** Resolves when a number hasn't changed for many turns of the event loop: everything in this process waits. */
export async function standstill(value: () => number): Promise<void> {
  let before = Number.NaN;
  for (let still = 0; still < TURNS; still += 1) {
    const now = value();
    if (now !== before) still = 0;
    before = now;
    await new Promise(resolve => setImmediate(resolve));
  }
}

/** What usher has relayed so far. */
export function relayed({ proxy }: RunningUsher): number {
  return proxy.status().listeners.reduce((sum, one) => sum + one.bytesToBackend + one.bytesToClient, 0);
}

/** Resolves when every connection has left; then nothing may be open or lent out. Answers what is, none of it wanted. */
export async function leftovers({ proxy, seen }: RunningUsher): Promise<Record<string, number>> {
  await seen.atRest();
  const { listeners, backends } = proxy.status();
  const endpoints = backends.flatMap(backend => backend.endpoints);
  return {
    connections: listeners.reduce((sum, one) => sum + one.connectionsOpen, 0),
    leases: endpoints.reduce((sum, one) => sum + one.active, 0),
    tunnels: seen.tunnels.length - seen.closedTunnels.length,
  };
}

/** What {@link leftovers} should answer. */
export const NOTHING_LEFT = { connections: 0, leases: 0, tunnels: 0 };
