/** `usher drain-endpoint`: asks a running usher, over its admin listener, to keep new sessions from one endpoint. */
import { setTimeout as delay } from 'node:timers/promises';
import { formatHostPort } from '../address.js';
import { type HostPort, readEndpoint } from '../control/config/host-port.js';
import type { BackendStatus, EndpointStatus } from '../status.js';
import { AdminTrouble, ask, readAdmin, sentenceOf, unexpected, wordsOf } from './ask-admin.js';
import { EXIT } from './exit-codes.js';
import { printableLine } from './printable.js';
import { UsageError } from './probe-usage.js';

/** The options of `usher drain-endpoint`, as commander hands them over. */
export interface DrainEndpointOptions {
  readonly undo?: boolean | undefined;
  readonly wait?: boolean | undefined;
  readonly admin?: string | undefined;
}

/** Where `drain-endpoint` writes; the streams of a process fit. */
export interface DrainEndpointIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** How often and how long; a seam for tests. */
export interface Pace {
  /** For one answer of the admin listener. */
  readonly timeoutMs: number;
  /** Between two looks at `/status`. */
  readonly lookMs: number;
  /** Looks in a row with nothing active that count as the end: a client that polls is away between two requests. */
  readonly quietLooks: number;
  /** Looks from one line of progress to the next. */
  readonly progressLooks: number;
}

const PACE: Pace = { timeoutMs: 5_000, lookMs: 500, quietLooks: 7, progressLooks: 6 };

interface Plan {
  readonly admin: HostPort;
  readonly backend: string;
  /** As `/status` writes it. */
  readonly address: string;
}

/**
 * Drains an endpoint, or undoes it. usher's sentence goes to `stdout`; what is waited for, and what failed, to `stderr`.
 *
 * @param address `host:port` or `[v6]:port` as `/status` shows it; a bare port is one of 127.0.0.1
 * @returns the exit code: 0 when it is done, with `wait` when nothing is active there any more; 64 where the words make
 *   no sense; else 1
 */
export async function drainEndpoint(
  backend: string,
  address: string,
  options: DrainEndpointOptions,
  io: DrainEndpointIo,
  pace: Pace = PACE,
): Promise<number> {
  try {
    const plan = planDrain(backend, address, options);
    io.stdout.write(`${await post(plan, options.undo === true ? 'undrain' : 'drain', pace)}\n`);
    if (options.wait === true) {
      await untilQuiet(plan, io, pace);
      io.stdout.write(`nothing is active on ${plan.address} of backend ${plan.backend} any more\n`);
    }
    return EXIT.fine;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof AdminTrouble)) throw error;
    io.stderr.write(`usher drain-endpoint: ${printableLine(error.message)}\n`);
    return error instanceof UsageError ? EXIT.wrongUsage : EXIT.failed;
  }
}

function planDrain(backend: string, address: string, options: DrainEndpointOptions): Plan {
  if (options.wait === true && options.undo === true) {
    throw new UsageError('--wait does not go with --undo, after which nothing comes to an end');
  }
  if (backend === '') throw new UsageError('the backend has no name: /status on the admin listener shows them');
  const endpoint = readEndpoint(address);
  if (!('value' in endpoint)) throw new UsageError(`${endpoint.fault}, as /status on the admin listener shows it`);
  const { host, port } = endpoint.value;
  return { admin: readAdmin(options.admin), backend, address: formatHostPort(host, port) };
}

/** @returns usher's sentence, fit for a terminal */
async function post({ admin, backend, address }: Plan, verb: 'drain' | 'undrain', pace: Pace): Promise<string> {
  const path = `/backends/${encodeURIComponent(backend)}/endpoints/${encodeURIComponent(address)}/${verb}`;
  const answer = await ask(admin, 'POST', path, pace);
  if (answer.status === 200 && answer.type.startsWith('text/plain')) return sentenceOf(answer);
  throw unexpected(admin, answer);
}

/** Looks at `/status` until nothing has been active on the endpoint for a while. */
async function untilQuiet(plan: Plan, io: DrainEndpointIo, pace: Pace): Promise<void> {
  const { backend, address } = plan;
  let quiet = 0;
  for (let looks = 0; ; looks += 1) {
    const active = await activeOn(plan, pace);
    quiet = active === 0 ? quiet + 1 : 0;
    if (quiet >= pace.quietLooks) return;
    if (looks % pace.progressLooks === 0) {
      io.stderr.write(`waiting for ${address} of backend ${backend}: ${active} active there\n`);
    }
    await delay(pace.lookMs);
  }
}

/** @throws AdminTrouble also when the endpoint is not draining any more: it will not become quiet then, and stay so */
async function activeOn(plan: Plan, pace: Pace): Promise<number> {
  const { admin, backend, address } = plan;
  const answer = await ask(admin, 'GET', '/status', pace);
  if (answer.status !== 200) throw unexpected(admin, answer);
  const endpoint = endpointIn(admin, answer.body, plan);
  const what = `${address} of backend ${backend}`;
  if (endpoint === undefined) {
    throw new AdminTrouble(
      `${what} is gone from /status (DNS or a reload has left it out), so nobody knows what is active there`,
    );
  }
  if (!endpoint.draining) {
    throw new AdminTrouble(`${what} does not drain any more: somebody undid it or usher was restarted; start again`);
  }
  return endpoint.active;
}

function endpointIn(admin: HostPort, body: string, { backend, address }: Plan): EndpointStatus | undefined {
  try {
    const { backends } = JSON.parse(body) as { readonly backends: readonly BackendStatus[] };
    const found = backends.find(each => each.name === backend);
    return found?.endpoints.find(each => each.address === address);
  } catch {
    throw new AdminTrouble(`what answers at ${wordsOf(admin)} is no admin listener of usher: --admin names another`);
  }
}
