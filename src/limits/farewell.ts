/** Who is to leave, one after the other in random order, at an even rate: those who come back come back as evenly. */

/** Somebody who may be asked to leave. */
export interface Leaver {
  /** Whether asking makes sense now. */
  readonly closable: boolean;
}

/** How often to look who is due. */
export const LOOK_EVERY_MS = 50;

export class Farewell<L extends Leaver> {
  private readonly waiting: L[];
  private readonly total: number;
  private asked = 0;
  /** In one look: a process that could not look for a while must not make up for it all at once. */
  private readonly most: number;

  /**
   * @param leavers all who are there now
   * @param overMs from `startedAt` until the last one has been asked
   * @param random from 0 to 1, for their order
   */
  constructor(
    leavers: Iterable<L>,
    private readonly overMs: number,
    private readonly startedAt: number,
    random: () => number = Math.random,
  ) {
    this.waiting = shuffled([...leavers], random);
    this.total = this.waiting.length;
    this.most = overMs === 0 ? this.total : Math.ceil((2 * this.total * LOOK_EVERY_MS) / overMs);
  }

  /** Who is to be asked by now; each once. Those who have left meanwhile are passed over. Call it each {@link LOOK_EVERY_MS}. */
  due(now: number): readonly L[] {
    const elapsed = now - this.startedAt;
    const until = elapsed >= this.overMs ? this.total : Math.floor((this.total * elapsed) / this.overMs);
    const next = this.waiting.splice(0, Math.min(until - this.asked, this.most));
    this.asked += next.length;
    return next.filter(leaver => leaver.closable);
  }

  /** Whether all have been asked. */
  get isOver(): boolean {
    return this.waiting.length === 0;
  }
}

/** Every order is as likely as every other (Fisher and Yates). */
function shuffled<T>(list: T[], random: () => number): T[] {
  for (let i = list.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j] as T, list[i] as T];
  }
  return list;
}
