/** One session, played by real clients through usher to real backends: every client before every backend. */
import t, { type Test } from 'tap';
import { leftovers } from '../support/flow.js';
import { FILE, type InterplayBackend, SAW_CLIENT, startInterplayBackend } from '../support/interplay-backend.js';
import { chromium } from '../support/interplay-chromium.js';
import { curl, nodeClient, undiciFetch, undiciPool } from '../support/interplay-clients.js';
import { type Ability, assertAtRest, type InterplayClient, session } from '../support/interplay-session.js';
import { startHaproxy } from '../support/peer-haproxy.js';
import { startNginx } from '../support/peer-nginx.js';
import { needProgram } from '../support/peers.js';
import { startUsherBefore } from '../support/usher.js';

interface Backend {
  readonly name: string;
  /** The program it needs, if it isn't this process. */
  readonly program?: string;
  /** How much of an upload is sent to `/early`, bytes; at most 1 MiB, which usher reads behind an early answer. */
  readonly earlyBytes: number;
  /** Stands before the Node server; resolves with its port. */
  start(t: Test, node: number, program: string): Promise<number>;
}

const backends: readonly Backend[] = [
  { name: 'Node', earlyBytes: 900_000, start: async (_t, node) => node },
  {
    name: 'nginx',
    program: 'nginx',
    earlyBytes: 900_000,
    start: async (t, node, program) =>
      (await startNginx(t, program, { server: nginxBefore(node), files: { 'file.bin': FILE } })).port,
  },
  {
    name: 'HAProxy',
    program: 'haproxy',
    // HAProxy refuses by itself, and resets while usher still writes.
    earlyBytes: 900_000,
    start: async (t, node, program) => {
      const before = { server: node, mode: 'http', lines: [DENY] } as const;
      return (await startHaproxy(t, program, { before })).ports.before;
    },
  },
];

const DENY =
  'http-request deny deny_status 413 content-type text/plain string "too large" ' +
  `hdr ${SAW_CLIENT} %[req.hdr(X-Forwarded-For)] if { path /early }`;

/** Files and the limit are nginx's own, everything else is passed on. */
function nginxBefore(node: number): string {
  const saw = `add_header ${SAW_CLIENT} $http_x_forwarded_for always;`;
  const pass = `proxy_pass http://127.0.0.1:${node}; proxy_http_version 1.1;`;
  const upgrade = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;';
  return `
  client_max_body_size 8m;
  location = /file.bin { ${saw} }
  location = /early { client_max_body_size 64k; ${saw} ${pass} }
  location = /socket { ${pass} ${upgrade} }
  location = /refused { ${pass} ${upgrade} }
  location / { ${pass} proxy_request_buffering off; proxy_set_header Connection ""; }
`;
}

interface Client {
  readonly name: string;
  readonly program?: string;
  /** Of what not every client can do. A browser sends no chunks over HTTP/1.1; undici and fetch know no Expect. */
  readonly can: readonly Ability[];
  start(t: Test, port: number, program: string, backend: InterplayBackend): Promise<InterplayClient>;
}

const clients: readonly Client[] = [
  { name: 'curl', program: 'curl', can: ['chunked', 'expect', 'refused-upgrade'], start: curl },
  { name: 'node:http', can: ['chunked', 'expect', 'refused-upgrade', 'websocket'], start: nodeClient },
  { name: "undici's Pool", can: ['chunked'], start: undiciPool },
  { name: "undici's fetch", can: ['chunked', 'websocket'], start: undiciFetch },
  { name: 'Chromium', program: 'chromium', can: ['websocket'], start: chromium },
];

/** The path of the program that one side needs, empty where it needs none; undefined: the test has been told. */
function programOf(t: Test, { program }: Backend | Client): string | undefined {
  return program === undefined ? '' : needProgram(t, program);
}

for (const backend of backends) {
  for (const client of clients) {
    const pair = `${client.name} through usher to ${backend.name}`;
    t.test(pair, async t => {
      const programs = [programOf(t, backend), programOf(t, client)] as const;
      if (programs[0] === undefined || programs[1] === undefined) return;
      const node = await startInterplayBackend(t);
      const usher = await startUsherBefore(t, await backend.start(t, node.port, programs[0]));
      const { earlyBytes } = backend;
      const stage = { earlyBytes, backend: node, usher, client: await client.start(t, usher.port, programs[1], node) };
      for (const { name, needs, play } of session) {
        if (needs === undefined || client.can.includes(needs)) await t.test(`${pair}: ${name}`, t => play(t, stage));
      }
      await stage.client.close();
      await assertAtRest(t, await leftovers(usher), stage);
    });
  }
}
