/**
 * Tells systemd how the service is. Node has no datagram sockets of the unix family, so systemd's own `systemd-notify`
 * says it. systemd hears a child of the service only with `NotifyAccess=all`.
 */
import { spawn } from 'node:child_process';
import type { Logger } from '../observe/log.js';

const PROGRAM = 'systemd-notify';
/** Longer than it waits itself until it is heard. */
const TIMEOUT_MS = 10_000;

export type Notify = (...variables: readonly string[]) => Promise<void>;

/** Resolves, always, when systemd has been told, or can't be. Nobody waits where `NOTIFY_SOCKET` is not set. */
export function systemdNotifier(env: Readonly<Record<string, string | undefined>>, logger: Logger): Notify {
  if (!env['NOTIFY_SOCKET']) return async () => {};
  return (...variables) =>
    new Promise(resolve => {
      const child = spawn(PROGRAM, variables, { env, stdio: 'ignore' });
      const timer = setTimeout(() => child.kill(), TIMEOUT_MS);
      // usher may end before it.
      timer.unref();
      child.unref();
      const settle = (why?: object) => {
        clearTimeout(timer);
        if (why !== undefined) logger.warn({ variables, ...why }, `${PROGRAM} could not tell systemd of this`);
        resolve();
      };
      child.once('error', err => settle({ err }));
      child.once('exit', (code, signal) => settle(code === 0 ? undefined : { code, signal }));
    });
}
