/**
 * The logger: JSON lines on standard error, or lines for people where standard error is a terminal.
 *
 * Request targets and the like reach it as the network sent them. What could steer a terminal or forge a line (all
 * control characters, C1 included, line separators, marks that turn the writing direction) leaves it only as an escape.
 */
import { createRequire } from 'node:module';
import process from 'node:process';
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Settings } from '../settings.js';

export type { Logger } from 'pino';

/** Where lines go; `isTTY` decides what `auto` means. */
export interface LogStream extends DestinationStream {
  readonly isTTY?: boolean;
}

/** Bytes that may wait for a reader of standard error that doesn't read; lines beyond them are lost. */
const waitingBytes = 4 * 1024 * 1024;

/**
 * A logger as the settings ask for.
 *
 * @param stream takes the lines instead of standard error: for tests
 */
export function createLogger(settings: Settings['log'], stream?: LogStream): Logger {
  const terminal = (stream ?? process.stderr).isTTY === true;
  const pretty = settings.format === 'pretty' || (settings.format === 'auto' && terminal);
  return pino(
    {
      level: settings.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      hooks: { streamWrite: pretty ? prettyLine(terminal) : escapeLine },
    },
    stream ?? standardError(pretty),
  );
}

/** To a terminal synchronously; else written by the thread pool, and flushed when the process exits. */
function standardError(sync: boolean): DestinationStream {
  const destination = pino.destination({ dest: 2, sync, maxLength: waitingBytes });
  // A full disk behind standard error costs log lines, never the process.
  destination.on('error', () => {});
  return destination;
}

const unsafe = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
const unsafeOrNewline = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** Anything but printable ASCII: a quick look, which most lines pass. */
const unusual = /[^ -~\n]/;

/** A JSON line in which the unsafe characters that JSON lets through are escapes too. It parses to the same value. */
function escapeLine(line: string): string {
  return unusual.test(line) ? line.replace(unsafe, jsonEscape) : line;
}

function jsonEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Turns a JSON line into a line for people. */
function prettyLine(colorize: boolean): (line: string) => string {
  // Loaded here, not above: it takes tens of milliseconds, and a sidecar in production never needs it.
  const { prettyFactory, isColorSupported }: typeof import('pino-pretty') = createRequire(import.meta.url)(
    'pino-pretty',
  );
  const pretty = prettyFactory({
    colorize: colorize && isColorSupported,
    singleLine: true,
    translateTime: false,
  });
  return line => pretty(JSON.parse(line, makeVisible));
}

/** A reviver: every string with its unsafe characters written out. The lines of a stack trace stay lines (indented). */
function makeVisible(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return value.replace(key === 'stack' ? unsafe : unsafeOrNewline, visibleEscape);
}

function visibleEscape(character: string): string {
  const code = character.charCodeAt(0);
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : jsonEscape(character);
}
