/** A headless Chromium as a client: a page fetches what it shall ask for, asks, and reports what came. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { InterplayBackend } from './interplay-backend.js';
import type { Answer, InterplayClient } from './interplay-session.js';
import { startForwarder } from './peer-balancer.js';

const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage'],
];

/** Plays orders: either requests in turn, or a WebSocket and its messages. Bytes travel in base64. */
const PAGE = `<!doctype html><link rel="icon" href="data:,"><script type="module">
  const decode = text => Uint8Array.from(atob(text), character => character.charCodeAt(0));
  const encode = async blob => {
    const reader = new FileReader();
    reader.readAsDataURL(blob);
    await new Promise(resolve => reader.addEventListener('load', resolve));
    return reader.result.slice(reader.result.indexOf(',') + 1);
  };
  const next = (target, name) => new Promise((resolve, reject) => {
    target.addEventListener(name, resolve, { once: true });
    target.addEventListener('error', () => reject(new Error('WebSocket failed')), { once: true });
  });
  const ask = async ({ path, method, headers, body }) => {
    const init = { method, headers, cache: 'no-store', ...(body && { body: decode(body) }) };
    const response = await fetch(path, init);
    const fields = Object.fromEntries(response.headers);
    return { status: response.status, headers: fields, body: await encode(await response.blob()) };
  };
  const talk = async ({ path, messages }) => {
    const socket = new WebSocket('ws://' + location.host + path);
    await next(socket, 'open');
    const answers = [];
    for (const { text, bytes } of messages) {
      const answer = next(socket, 'message');
      socket.send(text ?? decode(bytes));
      answers.push(await encode(new Blob([(await answer).data])));
    }
    socket.close(1000);
    await next(socket, 'close');
    return answers;
  };
  const play = async order => {
    if (order.talk) return talk(order.talk);
    const answers = [];
    for (const one of order.asks) answers.push(await ask(one));
    return answers;
  };
  for (;;) {
    const order = await (await fetch('/order', { cache: 'no-store' })).json();
    const report = await play(order).catch(error => ({ error: String(error), order: JSON.stringify(order).slice(0, 99) }));
    await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
    if (order.asks?.length === 0) break;
  }
</script>`;

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** What the page reports, or its failure as ours. */
async function reported<Report>(backend: InterplayBackend, order: object): Promise<Report> {
  const report = JSON.parse(await backend.order(JSON.stringify(order)));
  if (report.error !== undefined) throw new Error(`in the page: ${report.error}, ${report.order}`);
  return report;
}

/** Opens the page through a forwarder that writes PROXY headers, as a balancer would. */
export async function chromium(
  t: Test,
  port: number,
  path: string,
  backend: InterplayBackend,
): Promise<InterplayClient> {
  backend.page = PAGE;
  const entrance = await startForwarder(t, port);
  const stop = await startBrowser(t, path, `http://127.0.0.1:${entrance}/`);
  return {
    address: '127.0.0.1',
    async ask(asks) {
      const encoded = asks.map(({ body, ...ask }) => ({ ...ask, ...(body && { body: base64(body) }) }));
      const answers = await reported<(Omit<Answer, 'body'> & { body: string })[]>(backend, { asks: encoded });
      return answers.map(answer => ({ ...answer, body: Buffer.from(answer.body, 'base64') }));
    },
    async talk(path, messages) {
      const encoded = messages.map(one => (typeof one === 'string' ? { text: one } : { bytes: base64(one) }));
      const answers = await reported<string[]>(backend, { talk: { path, messages: encoded } });
      return answers.map(answer => Buffer.from(answer, 'base64'));
    },
    async close() {
      await reported(backend, { asks: [] });
      await stop();
    },
  };
}

/** Starts a browser with a profile of its own and a process group of its own, which the answer ends. */
async function startBrowser(t: Test, path: string, url: string): Promise<() => Promise<void>> {
  const profile = await mkdtemp(join(tmpdir(), 'usher-chromium-'));
  const child = spawn(path, [...FLAGS, `--user-data-dir=${profile}`, url], { detached: true, stdio: 'ignore' });
  const ended = once(child, 'close');
  const kill = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
  };
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    kill();
    await ended;
    process.off('exit', kill);
  };
  t.teardown(async () => {
    await stop();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  return stop;
}
