/** Starts the backend and what is measured, each as a process of its own with a port and a directory of its own. */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROXY_HEADER } from './load/proxy-header.js';
import { openFileLimit } from './process-files.js';
import { freePort, type Program, startProgram } from './program.js';
import type { Subject, SubjectName } from './subject.js';

/** Where programs may be: Debian puts HAProxy and nginx outside of a user's PATH. */
const PLACES = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
const NOTHING = Buffer.alloc(0);
/** Of each process: listeners, logs, libraries, admin. */
const OTHER_FILES = 500;

/** WebSockets at a time: each takes two of a proxy's files. */
export const MOST_SOCKETS = Math.floor((openFileLimit() - OTHER_FILES) / 2);

/** As the image and the systemd unit start it (a test compares them). */
export const NODE_OPTIONS = ['--max-semi-space-size=8'];

/** A program of this benchmark or of usher, compiled. */
const ours = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The path of a program, or undefined when it isn't installed. */
export function findProgram(name: string): string | undefined {
  return PLACES.map(place => join(place, name)).find(path => existsSync(path));
}

/** Where a program listens, sends and keeps its files. */
interface Place {
  readonly port: number;
  readonly backendPort: number;
  readonly directory: string;
}

type Launch = (place: Place) => Program | Promise<Program>;

const LAUNCHES: Readonly<Record<Exclude<SubjectName, 'direct'>, Launch>> = {
  usher: place => launchUsher(place, 'close-frame'),
  'usher-blind': place => launchUsher(place, 'none'),
  haproxy: place => {
    const args = ['-db', '-n', `${MOST_SOCKETS}`, '-f', filled('haproxy.cfg', place)];
    return startProgram('haproxy', installed('haproxy'), args);
  },
  nginx: place => {
    const args = ['-p', place.directory, '-e', 'stderr', '-c', filled('nginx.conf', place)];
    return startProgram('nginx', installed('nginx'), args);
  },
  'http-proxy': place => launchOurs('http-proxy', place),
  'node-relay': place => launchOurs('node-relay', place),
};

/** A peer that is a program of this benchmark. */
function launchOurs(name: SubjectName, { port, backendPort }: Place): Program {
  return startProgram(name, process.execPath, [ours(`./peers/${name}.js`), `${port}`, `${backendPort}`]);
}

async function launchUsher(place: Place, style: string): Promise<Program> {
  const file = join(place.directory, 'usher.json');
  writeFileSync(file, JSON.stringify(usherConfiguration(place, await freePort(), style)));
  return startProgram('usher', process.execPath, [...NODE_OPTIONS, ours('../src/main.js'), 'run', '--config', file]);
}

/** Resolves when it accepts. */
export async function launch(name: SubjectName, backendPort: number): Promise<Subject> {
  if (name === 'direct') return { name, port: backendPort, header: NOTHING, program: undefined };
  const place = { port: await freePort(), backendPort, directory: mkdtempSync(join(tmpdir(), 'usher-bench-')) };
  const program = await LAUNCHES[name](place);
  program.owns(place.directory);
  await program.ready(place.port);
  return { name, port: place.port, header: name === 'http-proxy' ? NOTHING : PROXY_HEADER, program };
}

/** Resolves with its port when it accepts. */
export async function launchBackend(): Promise<number> {
  const port = await freePort();
  await startProgram('the backend', process.execPath, [ours('./backend.js'), `${port}`]).ready(port);
  return port;
}

/** Every default but for the limits, which are for one machine and not for a benchmark. */
function usherConfiguration({ port, backendPort }: Place, adminPort: number, style: string): object {
  const chat = {
    listen: `127.0.0.1:${port}`,
    backendPort,
    trustedSources: ['127.0.0.0/8'],
    limits: { connections: 50_000, requestsPerConnection: 1_000_000_000 },
  };
  const admin = { listen: `127.0.0.1:${adminPort}` };
  return {
    listeners: { chat },
    admin,
    log: { level: 'warn' },
    drain: { timeout: '100ms', deregisterDelay: '0s', closeOver: '0s', style },
  };
}

function installed(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

/** A configuration of `bench/peers/` with its places filled in; answers the file. */
function filled(name: string, { port, backendPort, directory }: Place): string {
  const values: Readonly<Record<string, string | number>> = { PORT: port, BACKEND: backendPort, DIR: directory };
  const template = readFileSync(ours(`../../bench/peers/${name}`), 'utf8');
  const file = join(directory, name);
  writeFileSync(
    file,
    template.replace(/@([A-Z]+)@/g, (_, key: string) => `${values[key]}`),
  );
  return file;
}
