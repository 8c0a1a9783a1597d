/** The commands that speak to a usher that runs, by its admin listener. */
import type { Command } from 'commander';
import type { Settle } from './command-parts.js';
import type { DrainOptions } from './drain.js';
import type { DrainEndpointOptions } from './drain-endpoint.js';
import type { HealthOptions } from './health.js';
import type { ReloadOptions } from './reload.js';

/** `drain-endpoint`, `drain`, `reload` and `health`. */
export function addRunning(program: Command, process: NodeJS.Process, settle: Settle): void {
  addDrainEndpoint(program, process, settle);
  addDrain(program, process, settle);
  addReload(program, process, settle);
  addHealth(program, process, settle);
}

function addDrainEndpoint(program: Command, process: NodeJS.Process, settle: Settle): void {
  program
    .command('drain-endpoint <backend> <address>')
    .description('keep new sessions away from one endpoint of a running usher, while known ones keep it')
    .option('--undo', 'let new sessions come to it again')
    .option('--wait', 'return when nothing has been active there for 3s, so that what runs there can be stopped')
    .option('--admin <address>', "host:port of usher's admin listener (default: 127.0.0.1:9180)")
    .action(async (backend: string, address: string, options: DrainEndpointOptions) => {
      const { drainEndpoint } = await import('./drain-endpoint.js');
      settle(await drainEndpoint(backend, address, options, process));
    });
}

function addDrain(program: Command, process: NodeJS.Process, settle: Settle): void {
  program
    .command('drain')
    .description('let a running usher stop as on SIGTERM: WebSockets are closed one after the other, requests end')
    .option('--wait', 'return when it has stopped')
    .option('--admin <address>', "host:port of usher's admin listener (default: 127.0.0.1:9180)")
    .addHelpText('after', '\nWhat happens when is set by drain in the configuration.')
    .action(async (options: DrainOptions) => {
      const { drain } = await import('./drain.js');
      settle(await drain(options, process));
    });
}

function addReload(program: Command, process: NodeJS.Process, settle: Settle): void {
  program
    .command('reload')
    .description('let a running usher load its file again, and show what has changed or every problem')
    .option('--admin <address>', "host:port of usher's admin listener (default: 127.0.0.1:9180)")
    .addHelpText(
      'after',
      '\nExit codes: as of usher run for the same file: 0, 78 or 69; nothing has changed unless it is 0.',
    )
    .action(async (options: ReloadOptions) => {
      const { reload } = await import('./reload.js');
      settle(await reload(options, process));
    });
}

function addHealth(program: Command, process: NodeJS.Process, settle: Settle): void {
  program
    .command('health')
    .description("exit 0 when usher's admin listener says that it lives, else 1: for the health checks of containers")
    .option('--admin <address>', 'port or host:port of the admin listener (default: what the configuration says)')
    .option('--config <file>', 'the configuration, read for admin.listen only; USHER_CONFIG names it too')
    .option('--ready', 'ask /readyz instead of /livez: should it get connections?')
    .action(async (options: HealthOptions) => {
      const { health } = await import('./health.js');
      settle(await health(options, process));
    });
}
