/** Programs that a test starts: their output as it comes, how they ended, and that none outlives its test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** All of standard input; left out: it is empty. */
  readonly input?: string | Uint8Array;
}

export class Program {
  stdout = '';
  stderr = '';
  /** The exit code, or the name of the signal that ended it; undefined while it runs. */
  ending: number | NodeJS.Signals | undefined;
  private readonly changes = new EventEmitter();

  constructor(
    private readonly child: ChildProcess,
    readonly commandLine: string,
  ) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.changes.emit('change');
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.changes.emit('change');
    });
    child.on('error', error => {
      this.stderr += `${error.message}\n`;
    });
    child.on('close', (code, signal) => {
      this.ending = code ?? signal ?? 'SIGKILL';
      this.changes.emit('change');
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Resolves as soon as `holds` does, looked at with all output; rejects when the program ends without it. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.ending !== undefined) throw new Error(`${this.commandLine} ended with ${this.ending}: ${this.stderr}`);
      await once(this.changes, 'change');
    }
  }

  /** Resolves with the ending when the program is gone and its output complete. */
  async ended(): Promise<number | NodeJS.Signals> {
    while (this.ending === undefined) await once(this.changes, 'change');
    return this.ending;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends the program now; resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.ending === undefined) this.signal('SIGKILL');
    await this.ended();
  }
}

/** Starts a program without a shell; the test's teardown ends it. */
export function startProgram(t: Test, path: string, args: readonly string[], options: ProgramOptions = {}): Program {
  const child = spawn(path, args, { env: { ...process.env, ...options.env }, stdio: 'pipe' });
  const program = new Program(child, [path, ...args].join(' '));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input);
  running.add(child);
  child.once('close', () => running.delete(child));
  t.teardown(() => program.stop());
  return program;
}

/** What a test that is cut short would leave behind. */
const running = new Set<ChildProcess>();

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Below the ports that systems give to outgoing connections, so that nothing takes one between finding and use. */
const LOWEST_PORT = 20_000;
const PORTS = 12_000;

/** A port of 127.0.0.1 that nobody listens on, for programs and configurations that can't take port 0. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST_PORT + Math.floor(Math.random() * PORTS);
    if (await canBind(port)) return port;
  }
}

/** Whether a port is free, on 127.0.0.1 or on `host`. */
export function canBind(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise(resolve => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

const POLL_MS = 10;

/** Resolves when something accepts on the port; rejects when the program ends first. */
export async function untilAccepts(port: number, program: Program): Promise<void> {
  while (!(await accepts(port))) {
    if (program.ending !== undefined) throw new Error(`${program.commandLine} ended: ${program.stderr}`);
    await delay(POLL_MS);
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
