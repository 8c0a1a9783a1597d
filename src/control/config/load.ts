/** Configuration from a file. Nothing here throws and nothing is bound: a fault is a problem with its place. */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { MAX_BYTES, readTree } from './positions.js';
import type { Problem } from './problem.js';
import { type ConfigResult, review, unreadable } from './review.js';
import type { Surroundings } from './surroundings.js';

export { formatProblem, type Problem } from './problem.js';
export type { ConfigResult } from './review.js';
export type { Surroundings } from './surroundings.js';

/** Reads a configuration from text, YAML or JSON; `file` is the name that problems carry. */
export function loadConfigText(text: string, file: string, around?: Surroundings): ConfigResult {
  const { tree, problems } = readTree(text, file);
  return tree === undefined ? unreadable(problems) : review(tree, problems, around);
}

/** The bytes of a configuration file; of one that is too large, one more than allowed, so that its reader sees it. */
export async function readConfigFile(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of createReadStream(path, { end: MAX_BYTES })) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** Told what a file holds, before it is understood. */
export type BytesReader = (bytes: Uint8Array) => void;

/** Reads a configuration file; one that cannot be read is the problem `file-unreadable`. */
export async function loadConfigFile(path: string, read?: BytesReader): Promise<ConfigResult> {
  try {
    const bytes = await readConfigFile(path);
    read?.(bytes);
    return loadBytes(bytes, path);
  } catch (error) {
    return unreadable([fileProblem(path, error)]);
  }
}

/** The same at once, for commands that do nothing else. */
export function loadConfigFileSync(path: string, around?: Surroundings, read?: BytesReader): ConfigResult {
  try {
    const bytes = readBounded(path);
    read?.(bytes);
    return loadBytes(bytes, path, around);
  } catch (error) {
    return unreadable([fileProblem(path, error)]);
  }
}

function readBounded(path: string): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null);
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

function loadBytes(bytes: Uint8Array, path: string, around?: Surroundings): ConfigResult {
  // A file cut at the limit may end inside a character; it is too large anyway.
  const fatal = bytes.length <= MAX_BYTES;
  return loadConfigText(new TextDecoder('utf-8', { fatal }).decode(bytes), path, around);
}

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file: check the path',
  EACCES: 'this user may not read the file: check its permissions',
  EISDIR: 'this is a directory: name a file in it',
  ENOTDIR: 'a part of this path is not a directory: check the path',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'the file is not UTF-8 text: save it as UTF-8',
};

function fileProblem(path: string, error: unknown): Problem {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const message = causes[code] ?? `the file cannot be read (${code}): check the path and the file`;
  return { rule: 'file-unreadable', severity: 'error', file: path, line: 0, column: 0, path: '', message };
}
