/** What `usher check aws` was asked for. Throws UsageError. */
import type { Look } from '../aws/report/table.js';
import type { OwnerOptions } from './given-files.js';
import { UsageError } from './probe-usage.js';

/** The options as commander hands them over. */
export interface CheckAwsOptions extends OwnerOptions {
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
  readonly format?: string | undefined;
  /** Warnings fail too. */
  readonly strict?: boolean | undefined;
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
