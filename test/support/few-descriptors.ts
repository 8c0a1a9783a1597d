/**
 * Run as a process that may open few files: asks for a connection to the endpoint of a session when no descriptor is
 * left, and once more when there are some. Prints what it was told, and how many dials were counted as starved. Argument: the port of the endpoint.
 */
import fs from 'node:fs';
import { Backend } from '../../src/backend/backend.js';
import type { Lease } from '../../src/lease.js';
import { outgoing } from '../../src/transport.js';
import { Recorder } from './recorder.js';
import { backendSettings } from './settings.js';

const affinity = { kind: 'socket.io', path: '/socket.io/' } as const;
const backend = new Backend(backendSettings([Number(process.argv[2])], { affinity }), new Recorder());

function ask(session: string | undefined): Promise<Lease | string> {
  const client = '203.0.113.9';
  return new Promise(resolve => {
    const user = { waiting: true, onLease: resolve, onLeaseFailed: resolve };
    backend.lease({ client, key: undefined, session }, true, user);
  });
}

/** Opens files until no more can be opened. */
function useUp(): number[] {
  const files: number[] = [];
  for (;;) {
    try {
      files.push(fs.openSync('/dev/null', 'r'));
    } catch {
      return files;
    }
  }
}

const wordOf = (outcome: Lease | string) => (typeof outcome === 'string' ? outcome : 'connected');

const opened = await ask(undefined);
if (typeof opened !== 'string') opened.learn('sid', 60_000);
const files = useUp();
const without = wordOf(await ask('sid'));
for (const file of files) fs.closeSync(file);
const { starved } = outgoing;
process.stdout.write(`${without} ${wordOf(await ask('sid'))} ${starved}\n`, () => process.exit());
