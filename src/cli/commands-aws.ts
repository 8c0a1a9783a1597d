/** The commands of the AWS family: they read what AWS was told, from files. */
import type { Command } from 'commander';
import type { CheckAwsOptions } from './check-aws-options.js';
import { repeat, type Settle } from './command-parts.js';
import type { ImportAwsOptions } from './import-aws.js';

const FILES_HELP = '\nA directory means its *.json, *.yaml and *.yml files, - or nothing standard input.';

const CHECK_AWS_HELP = `${FILES_HELP} For example:
  aws elb describe-load-balancers > clb.json
  aws elb describe-load-balancer-policies --load-balancer-name chat > policies.json
  usher check aws clb.json --load-balancer chat=policies.json --config usher.yaml
Exit codes: 0 fine; 1 an error was found (--strict: or a warning) or a file can't be understood;
78 the configuration has errors; 64 wrong usage.`;

/** `check aws`, below `check`. */
export function addCheckAws(check: Command, process: NodeJS.Process, settle: Settle): void {
  check
    .command('aws [files...]')
    .description(
      'compare what the AWS command line or kubectl printed, as JSON or YAML, with a configuration; AWS is not asked. ' +
        '(A configuration called aws is checked as ./aws)',
    )
    .option('--config <file>', "usher's configuration; USHER_CONFIG names it too; without one AWS alone is looked at")
    .option('--format <format>', 'table, json, sarif or github, which are annotations (default: table)')
    .option('--json', 'the same as --format json')
    .option('--strict', 'exit 1 for warnings too')
    .option('--target-group <arn=file>', 'whose attributes or targets a file holds; repeatable', repeat)
    .option('--listener <arn=file>', 'whose attributes a file holds; repeatable', repeat)
    .option('--load-balancer <name=file>', 'whose policies or attributes a file holds; repeatable', repeat)
    .option('--ascii', 'draw with characters of ASCII only')
    .option('--no-color', 'no colours; NO_COLOR says the same')
    .addHelpText('after', CHECK_AWS_HELP)
    .action(async (files: readonly string[], options: CheckAwsOptions, command: Command) => {
      // Commander gives an option that the command around it has to that one.
      const stray = check.options.find(option => check.getOptionValue(option.attributeName()) !== undefined);
      if (stray !== undefined)
        command.error(`error: ${stray.long} goes with usher check FILE, not with usher check aws`);
      const { checkAws } = await import('./check-aws.js');
      settle(await checkAws(files, options, process));
    });
}

/** `import` with `import aws`, the only one of its kind so far. */
export function addImportAws(program: Command, process: NodeJS.Process, settle: Settle): void {
  program
    .command('import')
    .description('make a configuration from what others have been told')
    .helpCommand(false)
    .command('aws [files...]')
    .description('make a commented configuration from what the AWS command line or kubectl printed; AWS is not asked')
    .option('--backend-port <port>', 'where the application listens')
    .option('--out <file>', 'a new file for the configuration (default: standard output)')
    .option('--target-group <arn=file>', 'whose attributes or targets a file holds; repeatable', repeat)
    .option('--listener <arn=file>', 'whose attributes a file holds; repeatable', repeat)
    .option('--load-balancer <name=file>', 'whose policies or attributes a file holds; repeatable', repeat)
    .addHelpText('after', FILES_HELP)
    .action(async (files: readonly string[], options: ImportAwsOptions) => {
      const { importAws } = await import('./import-aws.js');
      settle(await importAws(files, options, process));
    });
}
