/** How usher takes leave of all its WebSockets: who is told when, and what. */
import { Farewell, LOOK_EVERY_MS } from './limits/farewell.js';
import type { DrainSettings } from './settings.js';
import { closeFrame, ENGINE_IO_CLOSE } from './tunnel/close-frame.js';

/** A connection, as far as it matters here. */
interface Guest {
  /** Whether it is a WebSocket that nobody is closing. */
  readonly closable: boolean;
  closeWebSocket(frames: Buffer): void;
  pressClose(): void;
}

const TELL_EVERY_MS = 1_000;
/** How long a message that goes by is waited for; then the end of a frame is enough. */
export const PRESS_AFTER_MS = 2_000;

interface Asked {
  readonly guest: Guest;
  readonly at: number;
}

/** Begins at once, and goes on until it is stopped: an upgrade that was under way becomes a WebSocket later. */
export class Goodbyes {
  private readonly frames: Buffer;
  private readonly timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  private farewell: Farewell<Guest>;
  private readonly asked: Asked[] = [];
  private closed = 0;
  private toldAt = performance.now();

  /**
   * @param closable all who can be closed now
   * @param told how many were closed in the last second, when there were any
   */
  constructor(
    { style, code, reason, closeOverMs }: DrainSettings,
    private readonly closable: () => Iterable<Guest>,
    private readonly told: (closed: number) => void,
  ) {
    const close = closeFrame(code, reason);
    this.frames = style === 'socket.io' ? Buffer.concat([ENGINE_IO_CLOSE, close]) : close;
    this.farewell = new Farewell(closable(), closeOverMs, this.toldAt);
    this.look();
  }

  stop(): void {
    clearInterval(this.timer);
    this.tell();
  }

  private look(): void {
    const now = performance.now();
    for (const guest of this.farewell.due(now)) {
      this.closed += 1;
      this.asked.push({ guest, at: now });
      guest.closeWebSocket(this.frames);
    }
    this.press(now);
    if (this.farewell.isOver) this.farewell = new Farewell(this.closable(), LOOK_EVERY_MS, now);
    if (now - this.toldAt < TELL_EVERY_MS) return;
    this.tell();
    this.toldAt = now;
  }

  private press(now: number): void {
    const behind = this.asked.findIndex(({ at }) => now - at < PRESS_AFTER_MS);
    for (const { guest } of this.asked.splice(0, behind < 0 ? this.asked.length : behind)) guest.pressClose();
  }

  private tell(): void {
    if (this.closed > 0) this.told(this.closed);
    this.closed = 0;
  }
}
