/** Programs that the benchmark starts: that they accept, how they ended, and that none outlives it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { family } from './process-files.js';

const POLL_MS = 10;
const READY_MS = 15_000;
const STOP_MS = 2_000;
/** As much of its standard error as a message shows. */
const KEPT_CHARACTERS = 2_000;

const running = new Set<Program>();

export class Program {
  stderr = '';
  private over = false;
  private directory: string | undefined;

  constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    running.add(this);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-KEPT_CHARACTERS);
    });
    child.on('error', error => this.ended(error.message));
    child.on('exit', (code, signal) => this.ended(`(ended with ${code ?? signal})`));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** This directory goes when the program does. */
  owns(directory: string): void {
    this.directory = directory;
  }

  /** Throws when the program has ended by itself. */
  check(): void {
    if (this.over) throw new Error(`${this.name} isn't running any more: ${this.stderr.trim()}`);
  }

  /** Resolves when it accepts on this port of 127.0.0.1. */
  async ready(port: number): Promise<void> {
    const deadline = Date.now() + READY_MS;
    while (!(await accepts(port))) {
      this.check();
      if (Date.now() > deadline) throw new Error(`${this.name} doesn't accept after ${READY_MS / 1000} s`);
      await delay(POLL_MS);
    }
  }

  /** Ends it and its children; resolves when all are gone. */
  async stop(): Promise<void> {
    const members = this.over ? [] : this.family();
    this.child.kill('SIGTERM');
    const deadline = Date.now() + STOP_MS;
    while (members.some(alive) && Date.now() < deadline) await delay(POLL_MS);
    for (const member of members.filter(alive)) process.kill(member, 'SIGKILL');
  }

  /** Nobody when it has just ended. */
  private family(): number[] {
    try {
      return family(this.pid);
    } catch {
      return [];
    }
  }

  private ended(how: string): void {
    this.over = true;
    this.stderr += how;
    running.delete(this);
    if (this.directory !== undefined) rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Starts a program without a shell. */
export function startProgram(name: string, path: string, args: readonly string[]): Program {
  const { NODE_OPTIONS: _, USHER_CONFIG: __, ...env } = process.env;
  return new Program(name, spawn(path, args, { env, stdio: ['ignore', 'ignore', 'pipe'] }));
}

/** Ends everything that was started and still runs. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(program => program.stop()));
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** A port of 127.0.0.1 that nobody listens on, for programs that can't choose one themselves. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const listener = net.createServer();
    listener.once('error', reject);
    listener.listen(0, '127.0.0.1', () => {
      const address = listener.address();
      listener.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject()));
    });
  });
}
