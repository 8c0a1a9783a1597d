/** What `usher check aws` was asked for. Throws UsageError. */
import type { Assignment } from '../aws/read/input.js';
import type { Look } from '../aws/report/table.js';
import { UsageError } from './probe-usage.js';

/** The options as commander hands them over. */
export interface CheckAwsOptions {
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
  readonly format?: string | undefined;
  /** Warnings fail too. */
  readonly strict?: boolean | undefined;
  /** Whose a file is, `ARN=FILE` or `NAME=FILE`. */
  readonly targetGroup?: readonly string[] | undefined;
  readonly listener?: readonly string[] | undefined;
  readonly loadBalancer?: readonly string[] | undefined;
  readonly ascii?: boolean | undefined;
  /** False: --no-color. */
  readonly color?: boolean | undefined;
}

export type Format = 'table' | 'json' | 'sarif' | 'github';

const FORMATS: readonly string[] = ['table', 'json', 'sarif', 'github'] satisfies Format[];

/** Which of the formats; --json is short for one of them. */
export function readFormat({ json, format }: CheckAwsOptions): Format {
  if (format === undefined) return json === true ? 'json' : 'table';
  if (!isFormat(format)) throw new UsageError(`--format ${format}: write one of ${FORMATS.join(', ')}`);
  if (json === true && format !== 'json') throw new UsageError(`--json and --format ${format}: keep one of the two`);
  return format;
}

function isFormat(word: string): word is Format {
  return FORMATS.includes(word);
}

/** Whose each file is that was given with its owner. */
export function readAssignments({ targetGroup, listener, loadBalancer }: CheckAwsOptions): Assignment[] {
  return [
    ...(targetGroup ?? []).map(word => readAssignment('--target-group', 'ARN', word)),
    ...(listener ?? []).map(word => readAssignment('--listener', 'ARN', word)),
    ...(loadBalancer ?? []).map(word => readAssignment('--load-balancer', 'NAME', word)),
  ];
}

function readAssignment(option: string, owner: string, word: string): Assignment {
  const at = word.indexOf('=');
  const [of, file] = [word.slice(0, at), word.slice(at + 1)];
  if (at > 0 && file !== '') return { of, file };
  throw new UsageError(`${option} ${word}: write ${owner}=FILE, the file being what AWS says of it`);
}

/** What a terminal needs to say of itself; the standard output of a process fits. */
export interface Terminal {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

const WIDTH = 100;
/** Longer lines are hard to read. */
const WIDEST = 120;
const NARROWEST = 40;

/** How wide, and with which colours and characters. */
export function readLook(
  { ascii, color }: CheckAwsOptions,
  { isTTY, columns = WIDTH }: Terminal,
  env: Readonly<Record<string, string | undefined>>,
): Look {
  const unwanted = color === false || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return {
    width: Math.min(Math.max(columns, NARROWEST), WIDEST),
    colour: isTTY === true && !unwanted,
    ascii: ascii === true || !isUtf8(env),
  };
}

/** By the locale, the first of its variables that is set (POSIX 8.2); none: UTF-8, as nearly everywhere today. */
function isUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(value => value !== undefined && value !== '');
  return locale === undefined || /utf-?8/i.test(locale);
}
