/**
 * Whether an endpoint works, from active checks and from what happens to real traffic. Pure: events come with their
 * time, `performance.now()` in milliseconds.
 *
 * Two judges. The checks decide between up and down, `rise` and `fall` in a row. Traffic ejects: the first dial that
 * fails, or five responses in a row that failed, take an endpoint out for 1 s, then 2 s, 4 s … 30 s. When that time is
 * over it is usable again, but it counts as down until something shows that it works.
 */

export interface HealthSettings {
  /** Checks in a row that must pass before an endpoint is up again. */
  readonly rise: number;
  /** Checks in a row that must fail before an endpoint is down. */
  readonly fall: number;
  /** How long the share of an endpoint that came up again grows to its full size; 0: at once. */
  readonly slowStartMs: number;
}

/** `unknown`: nothing has shown anything yet; it is used as if it were up, unless it joined others. */
export type Standing = 'unknown' | 'up' | 'down';

/** What an event made of the endpoint; undefined: what it was before. To be told to the observer. */
export type Change = 'up' | 'down' | undefined;

const FIRST_EJECTION_MS = 1_000;
const LONGEST_EJECTION_MS = 30_000;
/** Failed responses in a row that eject. */
const FAILED_RESPONSES = 5;
/** What slow start begins with. */
const FIRST_SHARE = 0.1;

export class Health {
  /** Not usable before; `-Infinity` when it isn't ejected. */
  ejectedUntil = Number.NEGATIVE_INFINITY;
  /** Since the start. */
  failedChecks = 0;

  /** Whether the last dial stood, or a check has passed since; undefined: neither there was. */
  connects: boolean | undefined;

  /** What the checks say. */
  private verdict: Standing = 'unknown';
  private checked = false;
  /** Checks in a row that contradict the verdict. */
  private contrary = 0;
  /** Ejected, by what, and nothing since has shown that it works. */
  private suspected: 'dial' | 'response' | undefined;
  private ejectionMs = 0;
  private failedResponses = 0;
  /** Since when it works, after an ejection. */
  private worksSince = Number.NEGATIVE_INFINITY;
  private upSince = Number.NEGATIVE_INFINITY;
  /** What was told last. */
  private told: Standing = 'unknown';
  /** Others worked before it came, so that there is no need to use it before something has shown that it works. */
  private isLate = false;
  private startsSlowly = false;

  constructor(
    /** May change at any time; counts for the next event. */
    public settings: HealthSettings,
  ) {}

  /** What the observer was told last; changes with events only, never with time. */
  get standing(): Standing {
    return this.told;
  }

  /** Known to work. */
  get up(): boolean {
    return this.told === 'up';
  }

  /**
   * It joins others: it is not usable before a check or a dial has shown that it works.
   * @param slowly whether its share grows then, as if it had been down
   */
  join(slowly: boolean): void {
    this.isLate = true;
    this.startsSlowly = slowly;
  }

  /** Whether it may be picked while others can be picked, too. */
  usable(now: number): boolean {
    const isFit = this.verdict === 'up' || (this.verdict === 'unknown' && !this.isLate);
    return isFit && now >= this.ejectedUntil;
  }

  /** How much of its weight it gets, above 0 and at most 1. */
  share(now: number): number {
    const { slowStartMs } = this.settings;
    if (slowStartMs === 0) return 1;
    if (this.told === 'unknown') return this.startsSlowly ? FIRST_SHARE : 1;
    if (this.told === 'down') return FIRST_SHARE;
    return Math.min(1, FIRST_SHARE + ((1 - FIRST_SHARE) * Math.max(0, now - this.upSince)) / slowStartMs);
  }

  /** The first check counts at once. */
  checkPassed(now: number): Change {
    this.connects = true;
    if (this.agreed('up', this.settings.rise)) this.verdict = 'up';
    this.clear(now);
    return this.tell(now);
  }

  checkFailed(now: number): Change {
    this.failedChecks += 1;
    if (this.agreed('down', this.settings.fall)) this.verdict = 'down';
    return this.tell(now);
  }

  dialFailed(now: number): Change {
    this.connects = false;
    this.eject('dial', now);
    return this.tell(now);
  }

  /** A connection that stands shows as much as a first check; the first real one may contradict it at once. */
  dialSucceeded(now: number): Change {
    this.connects = true;
    if (this.verdict === 'unknown') this.verdict = 'up';
    this.clear(now);
    return this.tell(now);
  }

  /** The endpoint closed, or sent what is no response, where a response was due. */
  responseFailed(now: number): Change {
    this.failedResponses += 1;
    if (this.failedResponses >= FAILED_RESPONSES) this.eject('response', now);
    return this.tell(now);
  }

  /** On every response, so it does next to nothing: an ejection that is over ends with the next check or dial. */
  responseFine(): void {
    this.failedResponses = 0;
  }

  /** Whether a check that says `verdict` settles it. */
  private agreed(verdict: 'up' | 'down', needed: number): boolean {
    const isFirst = !this.checked;
    this.checked = true;
    this.contrary = this.verdict === verdict ? 0 : this.contrary + 1;
    if (!isFirst && this.contrary < needed) return false;
    this.contrary = 0;
    return true;
  }

  /** What fails while it is out already was under way before, or tried it because nobody is better. */
  private eject(cause: 'dial' | 'response', now: number): void {
    if (now < this.ejectedUntil) return;
    const longer = Math.min(2 * this.ejectionMs, LONGEST_EJECTION_MS);
    this.ejectionMs = this.recovered(now) ? FIRST_EJECTION_MS : longer;
    this.ejectedUntil = now + this.ejectionMs;
    this.suspected = cause;
  }

  /** Whether it has worked for as long as it was out the last time. */
  private recovered(now: number): boolean {
    const stillFails = this.suspected !== undefined || this.failedResponses > FAILED_RESPONSES;
    return !stillFails && now - this.worksSince >= this.ejectionMs;
  }

  /** It takes connections: that answers failed dials, but failed responses only when their time is over. */
  private clear(now: number): void {
    if (this.suspected === undefined || (this.suspected === 'response' && now < this.ejectedUntil)) return;
    this.suspected = undefined;
    this.ejectedUntil = Number.NEGATIVE_INFINITY;
    this.worksSince = now;
  }

  private tell(now: number): Change {
    const standing = this.suspected === undefined ? this.verdict : 'down';
    if (standing === this.told || standing === 'unknown') return undefined;
    // Only who was down or came later starts slowly: at the very first start nobody would be left to take the rest.
    if (this.told === 'down' || this.startsSlowly) this.upSince = now;
    this.startsSlowly = false;
    this.told = standing;
    return standing;
  }
}
