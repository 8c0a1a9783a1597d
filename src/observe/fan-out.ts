/**
 * One observer made of several, and the wall between them and the data plane: what an observer throws ends here.
 *
 * A fault in a metric or a log line must not cost anybody a connection, so it is swallowed, and the observer goes on
 * being told (one odd record should not end the metrics for good). The first fault of each observer is reported, the
 * later ones are not: they would come at the rate of the traffic.
 */
import type { Code } from '../codes.js';
import type {
  ConnectionView,
  ExchangeRecord,
  HeaderCommand,
  HeaderVersion,
  Observer,
  ProbeKind,
  TunnelRecord,
} from '../observer.js';

/** One observer, and whether its first fault has been reported. */
class Watcher {
  readonly observer: Observer;
  readonly #report: ((fault: unknown) => void) | undefined;
  #reported = false;

  constructor(observer: Observer, report: ((fault: unknown) => void) | undefined) {
    this.observer = observer;
    this.#report = report;
  }

  failed(fault: unknown): void {
    if (this.#reported) return;
    this.#reported = true;
    try {
      this.#report?.(fault);
    } catch {
      // Whoever reports faults has one himself: nobody is left to tell.
    }
  }
}

export interface FannedOut extends Observer {
  /** From now on these are told; one that stays has its first fault reported once. */
  swap(observers: readonly Observer[]): void;
}

/** A loop per method, written out: a shared helper would allocate a closure per event. */
class FanOut implements FannedOut {
  #watchers: readonly Watcher[] = [];
  readonly #report: ((fault: unknown) => void) | undefined;

  constructor(observers: readonly Observer[], report: ((fault: unknown) => void) | undefined) {
    this.#report = report;
    this.swap(observers);
  }

  swap(observers: readonly Observer[]): void {
    const known = new Map(this.#watchers.map(watcher => [watcher.observer, watcher]));
    this.#watchers = observers.map(observer => known.get(observer) ?? new Watcher(observer, this.#report));
  }

  connectionOpened(connection: ConnectionView): void {
    for (const watcher of this.#watchers) {
      try {
        watcher.observer.connectionOpened(connection);
      } catch (fault) {
        watcher.failed(fault);
      }
    }
  }

  connectionClosed(connection: ConnectionView): void {
    for (const watcher of this.#watchers) {
      try {
        watcher.observer.connectionClosed(connection);
      } catch (fault) {
        watcher.failed(fault);
      }
    }
  }

  headerSettled(connection: ConnectionView, version: HeaderVersion, command: HeaderCommand): void {
    for (const watcher of this.#watchers) {
      try {
        watcher.observer.headerSettled(connection, version, command);
      } catch (fault) {
        watcher.failed(fault);
      }
    }
  }

  refused(connection: ConnectionView, code: Code, detail?: string): void {
    for (const watcher of this.#watchers) {
      try {
        watcher.observer.refused(connection, code, detail);
      } catch (fault) {
        watcher.failed(fault);
      }
    }
  }

  probeSeen(connection: ConnectionView, kind: ProbeKind): void {
    for (const watcher of this.#watchers) {
      try {
        watcher.observer.probeSeen(connection, kind);
      } catch (fault) {
        watcher.failed(fault);
      }
    }
  }

  exchangeEnded(exchange: ExchangeRecord): void {
    for (const watcher of this.#watchers) {
      try {
        watcher.observer.exchangeEnded(exchange);
      } catch (fault) {
        watcher.failed(fault);
      }
    }
  }

  tunnelOpened(tunnel: TunnelRecord): void {
    for (const watcher of this.#watchers) {
      try {
        watcher.observer.tunnelOpened(tunnel);
      } catch (fault) {
        watcher.failed(fault);
      }
    }
  }

  tunnelClosed(tunnel: TunnelRecord): void {
    for (const watcher of this.#watchers) {
      try {
        watcher.observer.tunnelClosed(tunnel);
      } catch (fault) {
        watcher.failed(fault);
      }
    }
  }

  dialEnded(backend: string, endpoint: string, durationMs: number, code: Code | undefined): void {
    for (const watcher of this.#watchers) {
      try {
        watcher.observer.dialEnded(backend, endpoint, durationMs, code);
      } catch (fault) {
        watcher.failed(fault);
      }
    }
  }

  endpointChanged(backend: string, endpoint: string, up: boolean, why?: string): void {
    for (const watcher of this.#watchers) {
      try {
        watcher.observer.endpointChanged(backend, endpoint, up, why);
      } catch (fault) {
        watcher.failed(fault);
      }
    }
  }

  lookupSettled(backend: string, name: string, why: string | undefined): void {
    for (const watcher of this.#watchers) {
      try {
        watcher.observer.lookupSettled(backend, name, why);
      } catch (fault) {
        watcher.failed(fault);
      }
    }
  }
}

/**
 * Tells every observer what one of them would be told, in their order. None of them can throw through it.
 *
 * @param report told the first fault of each observer; left out, faults vanish
 */
export function fanOut(observers: readonly Observer[], report?: (fault: unknown) => void): FannedOut {
  return new FanOut(observers, report);
}
