/** `usher check aws`: does usher's configuration fit what AWS has been told? Nothing is bound, and nobody is asked. */
import type { Finding } from '../aws/finding.js';
import { flowsOf } from '../aws/flows.js';
import { inspect } from '../aws/inspect.js';
import { type Reading, readEstate } from '../aws/read/read-estate.js';
import { reportGithub } from '../aws/report/github.js';
import { reportJson } from '../aws/report/json.js';
import type { Report } from '../aws/report/report.js';
import { reportSarif } from '../aws/report/sarif.js';
import { reportTable } from '../aws/report/table.js';
import { RULES } from '../aws/rules/all.js';
import { formatProblem } from '../control/config/load.js';
import type { Problem } from '../control/config/problem.js';
import { loadSidecarFileSync, type SidecarResult } from '../control/config/sidecar.js';
import { version } from '../version.js';
import { type CheckAwsOptions, type Format, readFormat, readLook, type Terminal } from './check-aws-options.js';
import { CONFIG_STORIES } from './config-stories.js';
import { EXIT } from './exit-codes.js';
import { readGiven } from './given-files.js';
import { printableJson, printableLine } from './printable.js';
import { UsageError } from './probe-usage.js';
import type { Inputs } from './read-inputs.js';

/** What a check reads and where it writes; `process` has this shape. */
export interface CheckAwsIo {
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean | undefined };
  readonly stdout: Terminal & { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The directory that files of annotations are named from. */
  cwd(): string;
}

/**
 * Checks what the files say, by itself and against a configuration, and writes the report to stdout.
 *
 * @param words files and directories; `-`, or none where standard input is no terminal: standard input.
 * @returns the exit code: 0; 1 with an error (`strict`: or a warning) or where a file can't be understood; 78 where the
 *   configuration has errors; 64 where the words make no sense.
 */
export async function checkAws(words: readonly string[], options: CheckAwsOptions, io: CheckAwsIo): Promise<number> {
  try {
    const format = readFormat(options);
    const config = [options.config, io.env['USHER_CONFIG']].find(file => file !== undefined && file !== '');
    const { input, assignments } = await readGiven('check', words, options, io.stdin, config);
    const loaded = config === undefined ? undefined : loadSidecarFileSync(config);
    const report = reportOf(input, readEstate(input.files, assignments), config, loaded);
    io.stdout.write(written(report, format, options, io));
    if (format !== 'table') tellProblems(loaded, io);
    return exitCodeOf(report, loaded, options.strict === true);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.stderr.write(`usher check aws: ${printableLine(error.message)}\n`);
    return EXIT.wrongUsage;
  }
}

function reportOf(
  input: Inputs,
  { estate, problems, sources }: Reading,
  config: string | undefined,
  loaded: SidecarResult | undefined,
): Report {
  const sidecar = loaded?.ok === true ? loaded.sidecar : undefined;
  const flows = flowsOf(estate);
  const own = ownFindings(loaded);
  const told = new Set(own.map(({ rule }) => rule));
  return {
    findings: [...own, ...inspect(estate, sidecar, flows)],
    gaps: estate.gaps,
    problems: [...input.problems, ...problems],
    flows,
    estate,
    sidecar,
    config,
    ownWarnings: loaded?.warnings.length ?? 0,
    sources,
    files: [...input.files.map(({ name }) => name), ...(config === undefined ? [] : [config])],
    asked: RULES.length,
    rules: [...RULES, ...CONFIG_STORIES.filter(({ id }) => told.has(id))],
  };
}

/** Why the configuration is refused, as findings beside the others. Its warnings are the business of `usher check`. */
function ownFindings(loaded: SidecarResult | undefined): Finding[] {
  return loaded?.ok === false ? loaded.problems.map(ownFinding) : [];
}

const REFUSED = 'usher does not start with this configuration';

function ownFinding({ rule, message, file, line, column, path }: Problem): Finding {
  const title = CONFIG_STORIES.find(({ id }) => id === rule)?.title;
  return {
    rule,
    severity: 'error',
    message,
    consequence: title === undefined ? REFUSED : `${title}: ${REFUSED}`,
    places: [{ kind: 'config', file, line, column, path }],
    cure: '',
    commands: [],
  };
}

function written(report: Report, format: Format, options: CheckAwsOptions, io: CheckAwsIo): string {
  switch (format) {
    case 'json':
      return printableJson(reportJson(report));
    case 'sarif':
      return printableJson(reportSarif(report, { version, base: io.cwd() }));
    case 'github':
      return reportGithub(report, io.cwd());
    case 'table':
      return reportTable(report, readLook(options, io.stdout, io.env));
  }
}

/** As `usher check` does, where the report itself is for a machine. */
function tellProblems(loaded: SidecarResult | undefined, { stderr }: CheckAwsIo): void {
  if (loaded?.ok !== false) return;
  for (const problem of loaded.problems) stderr.write(`${formatProblem(problem)}\n`);
}

function exitCodeOf({ findings, problems }: Report, loaded: SidecarResult | undefined, isStrict: boolean): number {
  if (loaded?.ok === false) return EXIT.badConfiguration;
  const fails = ({ severity }: Finding) => severity === 'error' || (isStrict && severity === 'warning');
  return problems.length > 0 || findings.some(fails) ? EXIT.failed : EXIT.fine;
}
