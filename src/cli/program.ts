/**
 * The command line: which commands there are and what they take. A command is loaded when it is asked for: a health check
 * runs every few seconds.
 */
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { BindError } from '../listener/listener.js';
import { version } from '../version.js';
import { bearBrokenOutput } from './broken-output.js';
import type { CheckOptions } from './check.js';
import { repeat, type Settle } from './command-parts.js';
import { addCheckAws, addImportAws } from './commands-aws.js';
import { addRunning } from './commands-running.js';
import { EXIT } from './exit-codes.js';
import { printableLine } from './printable.js';
import type { ProbeOptions } from './probe.js';
import type { RunOptions } from './run.js';

const DEMO_CONFIG = fileURLToPath(new URL('../../../config/demo.yaml', import.meta.url));

const EXIT_CODES = `
Exit codes: 0 fine; 64 wrong usage; 78 bad configuration (nothing was bound); 69 an address can't be bound;
1 anything else.`;

/** Runs one command line (without node and script); answers the exit code. */
export async function main(args: readonly string[], process: NodeJS.Process): Promise<number> {
  let exitCode: number = EXIT.fine;
  const program = buildProgram(process, code => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.wrongUsage;
    process.stderr.write(`usher: ${describe(error, args.includes('--verbose'))}\n`);
    return error instanceof BindError ? EXIT.cannotBind : EXIT.failed;
  }
}

function describe(error: unknown, verbose: boolean): string {
  if (!(error instanceof Error)) return String(error);
  return verbose ? (error.stack ?? error.message) : error.message;
}

/** What commander says of wrong usage (`error: …`, perhaps with a guess in a second line) as one sentence. */
function usageSentence(text: string): string {
  const words = text
    .replace(/^error: /, '')
    .trim()
    .split(/\s*\n\s*/)
    .join(' ');
  return `usher: ${printableLine(words)}; usher --help and usher COMMAND --help show what there is\n`;
}

function buildProgram(process: NodeJS.Process, settle: Settle): Command {
  const program = new Command('usher')
    .description(
      'A sidecar behind an AWS Classic or Network Load Balancer: reads the PROXY header, shows each client in.',
    )
    .version(version)
    .option('--verbose', 'print stack traces of unexpected errors')
    .addHelpText('after', EXIT_CODES)
    .configureOutput({ outputError: (text, write) => write(usageSentence(text)) })
    .hook('preAction', (_, command) => bearBrokenOutput(command.name(), process))
    .exitOverride();
  addRun(program, process, settle);
  addCheck(program, process, settle);
  addExplain(program, process, settle);
  addImportAws(program, process, settle);
  addDecode(program, process, settle);
  addProbe(program, process, settle);
  addRunning(program, process, settle);
  program
    .command('demo')
    .description('start a small chat, usher in front of it and a pretend load balancer, all on this machine')
    .action(async () => {
      const { runDemo } = await import('./run-demo.js');
      settle(await runDemo(DEMO_CONFIG, process));
    });
  return program;
}

function addRun(program: Command, process: NodeJS.Process, settle: Settle): void {
  program
    .command('run')
    .description('forward connections until SIGTERM, SIGINT or POST /drain; SIGHUP loads the file again')
    .allowExcessArguments()
    .option('--config <file>', 'YAML or JSON configuration; USHER_CONFIG names it too')
    .option('--watch', 'reload when the file changes, also where a symbolic link is swapped')
    .option('--listen <address>', 'without a file: port, host:port or [v6]:port to listen on')
    .option('--backend-port <port>', 'without a file: port of the backend on 127.0.0.1')
    .option('--proxy-protocol <mode>', 'without a file: required, optional or off (default: required)')
    .option('--trusted-source <cidr>', 'without a file: peers whose PROXY header is believed; repeatable', repeat)
    .option('--admin <address>', 'without a file: address of /metrics, /readyz …, or off (default: 127.0.0.1:9180)')
    .option('--check-fds [strict]', 'warn when the limit of open files cannot hold limits.connections; strict: exit 78')
    .action(async (options: RunOptions, command: Command) => {
      const { run } = await import('./run.js');
      settle(await run({ ...options, rest: command.args }, process));
    });
}

function addCheck(program: Command, process: NodeJS.Process, settle: Settle): void {
  const command = program
    .command('check [file]')
    .description('check a configuration without running it; USHER_CONFIG names the file too')
    // Or a file named help could not be checked.
    .helpCommand(false)
    .option(
      '--stop-timeout <duration>',
      'between SIGTERM and SIGKILL, e.g. 120s (ECS, Kubernetes, systemd): is it enough?',
    )
    .option(
      '--idle-timeout <duration>',
      "after so long without a byte the balancer ends a connection: 60s is a CLB's default; leave it out for an NLB, " +
        "whose time usher's TCP keep-alives set back",
    )
    .action(async (file: string | undefined, options: CheckOptions) => {
      const { check } = await import('./check.js');
      settle(check(file ?? process.env['USHER_CONFIG'], process, options));
    });
  addCheckAws(command, process, settle);
}

function addExplain(program: Command, process: NodeJS.Process, settle: Settle): void {
  program
    .command('explain [rule]')
    .description(
      'tell the story of a rule of usher check or usher check aws: why, how one sees it, the cure; or list all',
    )
    .action(async (rule: string | undefined) => {
      const { explain } = await import('./explain.js');
      settle(explain(rule, process));
    });
}

function addDecode(program: Command, process: NodeJS.Process, settle: Settle): void {
  program
    .command('decode [hex]')
    .description('print a PROXY header as JSON; hexadecimal, a dump, or the raw bytes on standard input')
    .action(async (hex: string | undefined) => {
      const { decode } = await import('./decode.js');
      settle(await decode(hex, process));
    });
}

function addProbe(program: Command, process: NodeJS.Process, settle: Settle): void {
  program
    .command('probe <target>')
    .description('be the load balancer: send a PROXY header, then a request, and show what came back')
    .option('--proxy <kind>', 'PROXY header to send: v1, v2, local or none (default: v2)')
    .option('--source <ip:port>', 'client that the header names (default: 203.0.113.9:51234)')
    .option('--destination <ip:port>', 'address that the client dialled (default: the one dialled here)')
    .option(
      '--tlv <type=value>',
      'v2 TLV, repeatable: type in hex or alpn, authority, noop, unique-id, ssl, netns, gcp-psc, aws-vpce, azure-link; ' +
        'value as text or 0xHEX',
      repeat,
    )
    .option('--crc', 'CRC32C in a v2 header (the default)')
    .option('--no-crc', 'no CRC32C')
    .option('--nlb-health', 'be the health check of a Network Load Balancer')
    .option('--fragments <bytes>', 'send the header so many bytes at a time')
    .option('--path <path>', 'request path (default: /)')
    .option('--host <host>', 'Host field (default: the target)')
    .option('--method <method>', 'request method (default: GET)')
    .option('--header <field>', "header field 'Name: value', repeatable", repeat)
    .option('--websocket', 'upgrade, send a text and wait until it comes back')
    .option('--message <text>', 'the text for --websocket')
    .option('--timeout <duration>', 'for everything together (default: 5s)')
    .option('--json', 'print JSON')
    .action(async (target: string, options: ProbeOptions) => {
      const { probe } = await import('./probe.js');
      settle(await probe(target, options, process));
    });
}
