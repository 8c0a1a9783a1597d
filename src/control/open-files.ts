/** How many files this process may have open, and has: from Linux's /proc, unknown elsewhere. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { OpenFiles } from '../limits/descriptors.js';
import type { Logger } from '../observe/log.js';
import type { ProxyOptions } from '../proxy.js';

/** Where the limit is set, by who starts usher. */
export const WHERE_TO_RAISE =
  'LimitNOFILE= in the systemd unit, ulimits (nofile) in the ECS task definition or the compose file, ulimit -Hn in a shell';

const FILES = '/proc/self/fd';

/** Undefined where the system doesn't tell, or sets no limit. Node has raised the soft limit to the hard one by now. */
export function openFiles(limits = '/proc/self/limits'): OpenFiles | undefined {
  try {
    const limit = readLimit(readFileSync(limits, 'utf8'));
    return limit === undefined ? undefined : { limit, count: countFiles };
  } catch {
    return undefined;
  }
}

/** The soft limit in the text of /proc/PID/limits. */
export function readLimit(text: string): number | undefined {
  const [, soft] = /^Max open files +(\d+)/m.exec(text) ?? [];
  return soft === undefined ? undefined : Number(soft);
}

/** Linux 6.2 and later tell the number as the size of the directory; before that it is read. */
function countFiles(): number {
  return statSync(FILES).size || readdirSync(FILES).length;
}

/** What the proxy is told of the limit, and what the log is told when it pauses a listener for it. */
export function watchOpenFiles(logger: Logger): Pick<ProxyOptions, 'openFiles' | 'pauseChanged'> {
  const files = openFiles();
  const limit = files?.limit;
  const hint = `every connection takes one file and another to its backend: raise the limit (${WHERE_TO_RAISE}), lower limits.connections, or run more ushers`;
  return {
    openFiles: files,
    pauseChanged(listener, paused) {
      if (paused) logger.warn({ listener, limit, hint }, 'paused: few files may still be opened');
      else logger.info({ listener, limit }, 'accepting again');
    },
  };
}
