/**
 * `usher demo`: a chat, usher in front of it, a pretend load balancer in front of both, and the lines to try.
 */
import { type Balancer, startBalancer } from './balancer.js';
import { type Chat, startChat } from './chat.js';

/** What `demo` needs from usher: the demo itself knows nothing of it. */
export interface DemoUsher {
  close(): Promise<void>;
  /** Names and bound addresses (`host:port`) of the listeners; the first one is the demo's. */
  readonly listeners: readonly { readonly name: string; readonly address: string }[];
}

export interface DemoDeps {
  /** Starts usher from a configuration file; rejects when an address can't be bound. */
  run(configFile: string): Promise<DemoUsher>;
  readonly configFile: string;
  readonly io: { readonly stdout: DemoOutput; readonly stderr: DemoOutput };
  /** Where the chat listens on 127.0.0.1, which the configuration names as its backend; 3000. */
  readonly chatPort?: number;
  /** Where the pretend load balancer listens on 127.0.0.1; 8000. */
  readonly balancerPort?: number;
  /** How this usher is started, for the lines to copy; `npx usher`. */
  readonly command?: string;
}

export interface DemoOutput {
  write(text: string): unknown;
}

/** `running`: call `close` to stop everything. `failed`: the sentence is on stderr, nothing is left running. */
export type Demo =
  | {
      readonly kind: 'running';
      /** Where to look at it. */
      readonly url: string;
      close(): Promise<void>;
    }
  | { readonly kind: 'failed'; readonly exitCode: 69 };

const host = '127.0.0.1';
const madeUpClient = '203.0.113.9';

/**
 * Starts chat, usher and pretend balancer, in this order, and prints what to try. An address in use is one sentence
 * and `failed`; any other failure of `deps.run` is passed on, after what was started has been stopped.
 */
export async function demo(deps: DemoDeps): Promise<Demo> {
  const started: { close(): Promise<void> }[] = [];
  const closeAll = async (): Promise<void> => {
    for (const part of started.reverse().splice(0)) {
      await part.close();
    }
  };
  const keep = <Part extends { close(): Promise<void> }>(part: Part): Part => {
    started.push(part);
    return part;
  };
  try {
    const chat = keep(await startChat({ host, port: deps.chatPort ?? 3000 }));
    const usher = keep(await deps.run(deps.configFile));
    const target = addressOf(usher);
    const balancer = keep(await startBalancer({ host, port: deps.balancerPort ?? 8000, target, client: madeUpClient }));
    deps.io.stdout.write(invitation(chat, balancer, target, deps.command ?? 'npx usher'));
    return { kind: 'running', url: `http://${host}:${balancer.port}/`, close: closeAll };
  } catch (error) {
    await closeAll();
    const taken = takenAddress(error);
    if (taken === undefined) {
      throw error;
    }
    deps.io.stderr.write(`${taken}\n`);
    return { kind: 'failed', exitCode: 69 };
  }
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly text: string;
}

/** Where the first listener can be reached; one that is bound to every address is reached over loopback. */
function addressOf(usher: DemoUsher): Target {
  const address = usher.listeners[0]?.address ?? '';
  const colon = address.lastIndexOf(':');
  const bound = address.slice(0, Math.max(colon, 0)).replace(/^\[(.*)\]$/, '$1');
  const port = Number(address.slice(colon + 1));
  const reached = bound === '' || bound === '0.0.0.0' || bound === '::' || bound === '*' ? host : bound;
  return { host: reached, port, text: `${reached.includes(':') ? `[${reached}]` : reached}:${port}` };
}

function invitation(chat: Chat, balancer: Balancer, target: Target, command: string): string {
  const source = `--source ${madeUpClient}:51234`;
  return `The chat listens on ${host}:${chat.port}, usher in front of it on ${target.text}, and in front of usher a pretend
load balancer on ${host}:${balancer.port} that says each connection comes from ${madeUpClient}.

Open this in a browser, in two windows if you like to chat:
  http://${host}:${balancer.port}/

Or be the load balancer yourself, from another terminal:
  ${command} probe ${target.text} ${source} --path /whoami
  ${command} probe ${target.text} ${source} --websocket --path /socket

Press Ctrl+C to stop.
`;
}

/** One sentence when the error, or what caused it, is an address that can't be bound; undefined for anything else. */
function takenAddress(error: unknown): string | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    const { code, port } = cause as { code?: unknown; port?: unknown };
    const where = typeof port === 'number' ? `port ${port}` : 'an address of the demo';
    if (code === 'EADDRINUSE') {
      return `${where} is in use: stop what listens there and start the demo again`;
    }
    if (code === 'EACCES') {
      return `${where} can't be bound without more rights (EACCES)`;
    }
  }
  return undefined;
}
