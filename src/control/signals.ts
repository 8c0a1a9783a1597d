/** What signals do: the first SIGTERM or SIGINT drains, the second one ends at once, SIGHUP reloads. */

/** What a signal acts on. */
export interface Stoppable {
  drain(why: string): Promise<void>;
  close(): Promise<void>;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Listens until what it acts on has stopped; resolves then. */
export function stopOnSignals(usher: Stoppable): Promise<void> {
  return new Promise((resolve, reject) => {
    let first = true;
    const onSignal = (signal: NodeJS.Signals) => {
      const stopped = first ? usher.drain(signal) : usher.close();
      first = false;
      stopped.then(finish, reject);
    };
    const finish = () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      resolve();
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
  });
}

/** Reloads at each SIGHUP. @returns what ends that */
export function reloadOnHangup(usher: { reload(why: string): Promise<unknown> }): () => void {
  const onHangup = () => void usher.reload('SIGHUP');
  process.on('SIGHUP', onHangup);
  return () => process.off('SIGHUP', onHangup);
}
