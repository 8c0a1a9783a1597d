/**
 * `usher probe`: be the load balancer. Connects, sends a PROXY header of choice, then a request or a WebSocket, and
 * shows what came back.
 */
import { connect, type Socket } from 'node:net';
import { canonicalAddress, type SocketAddress } from '../address.js';
import { printableLine } from './printable.js';
import { converse, type Exchange, exchange, sendHeader } from './probe-exchange.js';
import { buildHeader } from './probe-header.js';
import { type ProbeOptions, type ProbePlan, planProbe } from './probe-options.js';
import { type Finding, judge, renderJson, renderText } from './probe-report.js';
import { UsageError } from './probe-usage.js';

export type { ProbeOptions } from './probe-options.js';

/** Where `probe` writes; the streams of a process fit. */
export interface ProbeIo {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/**
 * Runs one probe. What was sent and what came back goes to `stdout`; a sentence that explains goes to `stderr`.
 *
 * @param target `HOST:PORT`, `[IPv6]:PORT`, and for this machine `:PORT` or `PORT`
 * @returns the exit code: 0 where an answer below 500 came, or the WebSocket message came back (with `nlbHealth`: where
 *   a balancer would call the target healthy); 69 without a connection; 64 where the options make no sense; else 1.
 */
export async function probe(target: string, options: ProbeOptions, io: ProbeIo): Promise<number> {
  let plan: ProbePlan;
  try {
    plan = planProbe(target, options);
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr.write(`usher probe: ${printableLine(error.message)}\n`);
      return 64;
    }
    throw error;
  }
  const finding = await run(plan);
  const verdict = judge(plan, finding);
  io.stdout.write(plan.json ? renderJson(plan, finding, verdict) : renderText(plan, finding));
  if (verdict.sentence !== undefined) {
    io.stderr.write(`usher probe: ${printableLine(verdict.sentence)}\n`);
  }
  return verdict.exitCode;
}

/** Dials, talks and hangs up. One timer ends it all by destroying the socket; every step ends with the socket. */
async function run(plan: ProbePlan): Promise<Finding> {
  const startedAt = performance.now();
  let timedOut = false;
  let socketError: NodeJS.ErrnoException | undefined;
  const socket = connect({ ...plan.target, noDelay: true });
  socket.on('error', error => {
    socketError ??= error;
  });
  const timer = setTimeout(() => {
    timedOut = true;
    socket.destroy();
  }, plan.timeoutMs);

  const connection = (await isConnected(socket)) ? describeEnds(socket, performance.now() - startedAt) : undefined;
  const header = connection === undefined ? new Uint8Array(0) : buildHeader(plan.header, connection.dialled);
  const talk = connection === undefined ? {} : await talkOver(socket, plan, header);

  clearTimeout(timer);
  socket.destroy();
  return {
    connection,
    header,
    exchange: talk,
    answeredMs: talk.answeredAt === undefined ? undefined : talk.answeredAt - startedAt,
    totalMs: performance.now() - startedAt,
    timedOut,
    socketError,
  };
}

function isConnected(socket: Socket): Promise<boolean> {
  return new Promise(resolve => {
    socket.once('connect', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
}

/** Empty when the socket closes before there is an answer. */
async function talkOver(socket: Socket, plan: ProbePlan, header: Uint8Array): Promise<Exchange> {
  if (!(await sendHeader(socket, header, plan.fragmentBytes)) || socket.destroyed) {
    return {};
  }
  return plan.message === undefined ? exchange(socket, plan) : converse(socket, plan, plan.message);
}

function describeEnds(socket: Socket, ms: number): NonNullable<Finding['connection']> {
  return {
    local: endOf(socket.localAddress, socket.localPort),
    dialled: endOf(socket.remoteAddress, socket.remotePort),
    ms,
  };
}

function endOf(address = '', port = 0): SocketAddress {
  return { address: canonicalAddress(address) ?? address, port };
}
