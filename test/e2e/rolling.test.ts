/** A rolling deploy: two ushers behind HAProxy are replaced one after the other under 200 requests a second. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { serveHttp } from '../support/http.js';
import { startHaproxy } from '../support/peer-haproxy.js';
import type { Program } from '../support/peer-program.js';
import { startRun } from '../support/peer-usher.js';
import { needProgram } from '../support/peers.js';
import { freePort } from '../support/ports.js';

t.setTimeout(90_000);

const EVERY_MS = 5;

interface Seat {
  readonly file: string;
  readonly listen: number;
  readonly admin: number;
}

async function makeSeat(directory: string, backendPort: number): Promise<Seat> {
  const [listen, admin] = [await freePort(), await freePort()];
  const file = join(directory, `usher-${listen}.yaml`);
  const config = `
listeners:
  chat: { listen: "127.0.0.1:${listen}", trustedSources: [127.0.0.0/8], backendPort: ${backendPort} }
admin: { listen: "127.0.0.1:${admin}" }
drain: { timeout: 10s, deregisterDelay: 3s, closeOver: 0s }
`;
  await writeFile(file, config);
  return { file, listen, admin };
}

async function isReady({ admin }: Seat): Promise<boolean> {
  const request = http.get({ port: admin, host: '127.0.0.1', path: '/readyz', agent: false });
  const answer = once(request, 'response') as Promise<[http.IncomingMessage]>;
  const [response] = await answer.catch(() => [undefined]);
  response?.resume();
  return response?.statusCode === 200;
}

async function startIn(t: Test, seat: Seat): Promise<Program> {
  const program = await startRun(t, ['--config', seat.file]);
  while (!(await isReady(seat))) await new Promise(resolve => setImmediate(resolve));
  return program;
}

/** Two hundred requests a second, every second one on a connection of its own. */
class Load {
  answered = 0;
  /** Idle connections that ended just when they were used again: any client sends such a request once more. */
  sentAgain = 0;
  readonly failures: string[] = [];
  private sent = 0;
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
  private readonly timer = setInterval(() => this.send(), EVERY_MS);

  constructor(private readonly port: number) {}

  async end(): Promise<void> {
    clearInterval(this.timer);
    while (this.answered + this.failures.length < this.sent) await new Promise(resolve => setImmediate(resolve));
    this.agent.destroy();
  }

  private send(): void {
    this.sent += 1;
    this.ask(this.sent % 2 === 0 ? this.agent : false);
  }

  private ask(agent: http.Agent | false): void {
    const request = http.get({ port: this.port, host: '127.0.0.1', path: '/', agent }, response => {
      response.resume();
      response.on('error', error => this.failures.push(`response: ${error.message}`));
      response.on('end', () => {
        if (response.statusCode === 200) this.answered += 1;
        else this.failures.push(`status ${response.statusCode}`);
      });
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (request.reusedSocket && error.code === 'ECONNRESET') {
        this.sentAgain += 1;
        this.ask(agent);
      } else this.failures.push(`${error.code} ${error.message}`);
    });
  }
}

t.test('not one request fails', { timeout: 90_000 }, async t => {
  const haproxy = needProgram(t, 'haproxy');
  if (haproxy === undefined) return;
  const app = await serveHttp(t, (_request, response) => response.end('hello'));
  const directory = t.testdir();
  const seats = [await makeSeat(directory, app.port), await makeSeat(directory, app.port)] as const;
  const programs = [await startIn(t, seats[0]), await startIn(t, seats[1])];
  const [one, other] = seats;
  const { ports } = await startHaproxy(t, haproxy, {
    lb: {
      server: one.listen,
      words: `check port ${one.admin}`,
      lines: [
        'balance roundrobin',
        'option httpchk GET /readyz',
        // A busy machine must not look like a server that is down: only a 503 is.
        'timeout check 10s',
        'default-server inter 200ms fall 2 rise 1 send-proxy-v2',
        `server other 127.0.0.1:${other.listen} check port ${other.admin}`,
      ],
    },
  });
  const load = new Load(ports.lb);
  const passed = async (count: number) => {
    const goal = load.answered + count;
    while (load.answered < goal && load.failures.length === 0) await new Promise(resolve => setImmediate(resolve));
  };
  await passed(200);
  for (const [index, seat] of seats.entries()) {
    const program = programs[index];
    program?.signal('SIGTERM');
    t.equal(await program?.ended(), 0);
    programs[index] = await startIn(t, seat);
    await passed(200);
  }
  await load.end();
  t.same(load.failures.slice(0, 5), []);
  t.ok(load.answered > 800);
  t.comment(`${load.answered} answered, ${load.sentAgain} sent again on a new connection`);
});
