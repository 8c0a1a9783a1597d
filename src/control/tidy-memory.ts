/**
 * What WebSockets leave behind when they begin would stay in memory for as long as they idle: V8 collects when something is
 * allocated, and an idle WebSocket allocates nothing. So a process that has grown is collected once it is quiet. 8,000 idle
 * WebSockets take 3.0 kB each then, and 6.8 without (Node 26; the V8 of Node 24 keeps what was freed). It is done in steps,
 * the longest of which was 13 ms for those.
 */
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { measureMemory } from 'node:vm';

const LOOK_MS = 1_000;
/** Quiet: the part of the time at most in which the event loop had work, so many looks in a row. */
const QUIET = 0.1;
/** V8 gives up its room for young objects when little was allocated for five seconds. */
const QUIET_LOOKS = 6;
/** Worth it: the old objects have become more by both of these. */
const GROWN_BYTES = 4 * 1024 * 1024;
const GROWN_PART = 1 / 4;

/** What is looked at, and what can be done; tests put their own in its place. */
export interface Heap {
  /** Bytes of objects that have outlived their youth, dead ones included. */
  oldBytes(): number;
  /** The part of the time since the last call in which the event loop had work. */
  load(): number;
  /** Begins a collection; resolves behind it. */
  collect(): Promise<unknown>;
}

export class MemoryTidier {
  private leastBytes: number;
  private collecting = false;
  private quietLooks = 0;
  /** What the last collection freed goes back to the system at another one. */
  private again = false;

  constructor(private readonly heap: Heap) {
    this.leastBytes = heap.oldBytes();
  }

  /** Called from time to time. */
  look(): void {
    const bytes = this.heap.oldBytes();
    this.leastBytes = Math.min(this.leastBytes, bytes);
    this.quietLooks = this.heap.load() > QUIET ? 0 : this.quietLooks + 1;
    if (this.collecting || this.quietLooks < QUIET_LOOKS) return;
    const worthIt = this.isWorthIt(bytes);
    if (!worthIt && !this.again) return;
    this.again = worthIt;
    this.collecting = true;
    // A Node that can't is not asked again: `collecting` stays.
    this.heap.collect().then(() => this.collected(), ignore);
  }

  private isWorthIt(bytes: number): boolean {
    const grown = bytes - this.leastBytes;
    return grown >= GROWN_BYTES && grown >= GROWN_PART * this.leastBytes;
  }

  /** What is alive is where it counts from. */
  private collected(): void {
    this.collecting = false;
    this.quietLooks = 0;
    this.leastBytes = this.heap.oldBytes();
  }
}

function ignore(): void {}

/** Of this process. */
export function processHeap(): Heap {
  let before: EventLoopUtilization = performance.eventLoopUtilization();
  return {
    oldBytes: () => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space')?.space_used_size ?? 0,
    load: () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization;
    },
    collect: collectInSteps,
  };
}

/**
 * To measure all memory V8 marks what is alive, in steps and beside the program, and collects the rest. It is the one
 * documented way to such a collection (`gc()` stops the program for all of it). Node calls it experimental, and would
 * tell whoever reads the log of usher.
 */
function collectInSteps(): Promise<unknown> {
  const { emitWarning } = process;
  process.emitWarning = ignore;
  try {
    return measureMemory({ mode: 'summary', execution: 'eager' });
  } catch (error) {
    return Promise.reject(error);
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Looks by itself from now on; doesn't keep the process alive. @returns ends it */
export function tidyMemory(): () => void {
  const tidier = new MemoryTidier(processHeap());
  const timer = setInterval(() => tidier.look(), LOOK_MS).unref();
  return () => clearInterval(timer);
}
