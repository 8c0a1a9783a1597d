/** The real HAProxy in the place of the load balancer. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { freePort, type Program, startProgram, untilAccepts } from './peer-program.js';

/** One `listen` section: a port of its own in front of one server. */
export interface HaproxySection {
  /** Port of the server on 127.0.0.1: usher's. */
  readonly server: number;
  /** More words for the server line, such as `send-proxy-v2 check`. */
  readonly words?: string;
  readonly mode?: 'tcp' | 'http';
  /** More words for the bind line, such as `ssl crt FILE`. */
  readonly bind?: string;
  /** More lines. */
  readonly lines?: readonly string[];
}

export interface RunningHaproxy<Name extends string> {
  readonly ports: Readonly<Record<Name, number>>;
  readonly program: Program;
}

/** Starts one HAProxy with these sections, by name; resolves when it accepts, and no connection has passed it yet. */
export async function startHaproxy<Name extends string>(
  t: Test,
  path: string,
  sections: Readonly<Record<Name, HaproxySection>>,
): Promise<RunningHaproxy<Name>> {
  const dir = await mkdtemp(join(tmpdir(), 'usher-haproxy-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const ports = { ...(await portsFor(sections)) };
  const ready = await freePort();
  const file = join(dir, 'haproxy.cfg');
  await writeFile(file, configuration(sections, ports, ready));
  const program = startProgram(t, path, ['-db', '-f', file]);
  await untilAccepts(ready, program);
  return { ports, program };
}

async function portsFor<Name extends string>(sections: Readonly<Record<Name, unknown>>): Promise<Record<Name, number>> {
  const ports: Partial<Record<Name, number>> = {};
  for (const name of Object.keys(sections) as Name[]) ports[name] = await freePort();
  return ports as Record<Name, number>;
}

/** All sections are bound before any accepts, so the one named `ready` tells about all without touching the others. */
function configuration<Name extends string>(
  sections: Readonly<Record<Name, HaproxySection>>,
  ports: Readonly<Record<Name, number>>,
  ready: number,
): string {
  const names = Object.keys(sections) as Name[];
  return `global
  nbthread 1
  maxconn 500
  tune.ssl.default-dh-param 2048
defaults
  timeout connect 5s
  timeout check 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 30s
${names.map(name => section(name, sections[name], ports[name])).join('')}
listen ready
  bind 127.0.0.1:${ready}
  mode http
  http-request return status 200
`;
}

function section(
  name: string,
  { server, words = '', mode = 'tcp', bind = '', lines = [] }: HaproxySection,
  port: number,
) {
  return `
listen ${name}
  bind 127.0.0.1:${port} ${bind}
  mode ${mode}
${lines.map(line => `  ${line}\n`).join('')}  server usher 127.0.0.1:${server} ${words}
`;
}
