/** Something that must not last for ever; `limits/deadlines.ts` asks all of them in one sweep. */
export interface Timed {
  /** `performance.now()` after which {@link onDeadline} is called; `Infinity`: never. */
  deadlineAt: number;
  /** Called by a sweep, once or more, for as long as `deadlineAt` is in the past. */
  onDeadline(now: number): void;
}
