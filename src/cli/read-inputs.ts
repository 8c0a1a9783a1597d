/** Reads the files that a person names for `usher check aws` and `usher import aws`. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { InputFile, InputProblem } from '../aws/read/read-estate.js';

/** Both lists are in the order of the names. */
export interface Inputs {
  readonly files: readonly InputFile[];
  /** What could not be read, and why. */
  readonly problems: readonly InputProblem[];
}

export interface InputLimits {
  readonly fileBytes: number;
  readonly filesInDirectory: number;
  /** Of all files together. */
  readonly allBytes: number;
}

const LIMITS: InputLimits = { fileBytes: 64 * 1024 * 1024, filesInDirectory: 1000, allBytes: 256 * 1024 * 1024 };

const STANDARD_INPUT = '-';

/** A cause for which there is a sentence already. */
class Unreadable extends Error {}

/**
 * Reads everything that `names` name: files, `-` for `stdin`, and of a directory its *.json, *.yaml and *.yml files in the
 * order of their names. What is named twice is read once.
 *
 * @param leaveOut a file that is passed over where a directory holds it: usher's own configuration
 */
export async function readInputs(
  names: readonly string[],
  stdin: AsyncIterable<Uint8Array | string>,
  leaveOut?: string,
  limits: InputLimits = LIMITS,
): Promise<Inputs> {
  const files: InputFile[] = [];
  const problems: InputProblem[] = [];
  const seen = new Set<string>();
  let room = limits.allBytes;
  const attempt = async <T>(name: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      problems.push({ file: name, document: 0, line: 0, message: causeOf(error) });
      return undefined;
    }
  };
  for (const name of new Set(names)) {
    for (const path of (await attempt(name, () => pathsOf(name, leaveOut, limits))) ?? []) {
      if (seen.has(path)) continue;
      seen.add(path);
      const stream = () => (path === STANDARD_INPUT ? stdin : createReadStream(path, { end: limits.fileBytes }));
      const bytes = await attempt(path, () => readBounded(stream(), Math.min(limits.fileBytes, room), limits));
      if (bytes === undefined) continue;
      room -= bytes.length;
      files.push({ name: path, bytes });
    }
  }
  return { files, problems };
}

/** The name itself, or of a directory the files that count. */
async function pathsOf(name: string, leaveOut: string | undefined, limits: InputLimits): Promise<readonly string[]> {
  if (name === STANDARD_INPUT || !(await stat(name)).isDirectory()) return [name];
  const paths: string[] = [];
  for (const entry of (await readdir(name)).sort()) {
    const path = join(name, entry);
    if (!/\.(json|ya?ml)$/i.test(entry) || (leaveOut !== undefined && resolve(path) === resolve(leaveOut))) continue;
    if (await mayBeRead(path)) paths.push(path);
  }
  if (paths.length === 0) throw new Unreadable('the directory holds no *.json, *.yaml or *.yml file: name others');
  if (paths.length > limits.filesInDirectory) {
    const most = `more than ${limits.filesInDirectory}`;
    throw new Unreadable(`the directory holds ${paths.length} files, ${most}: name the ones that matter`);
  }
  return paths;
}

/** Whether it is a file. One that nothing can be said of counts as one too, so that reading it tells why it cannot be read. */
async function mayBeRead(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return true;
  }
}

/** `most`: bytes that there is room for. */
async function readBounded(
  stream: AsyncIterable<Uint8Array | string>,
  most: number,
  { fileBytes, allBytes }: InputLimits,
): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of stream) {
    const bytes = Buffer.from(piece);
    length += bytes.length;
    if (length > fileBytes) throw new Unreadable(`this is longer than ${sizeWords(fileBytes)}: give less at a time`);
    if (length > most)
      throw new Unreadable(`with this the files are longer than ${sizeWords(allBytes)}: give fewer at a time`);
    pieces.push(bytes);
  }
  return Buffer.concat(pieces, length);
}

function sizeWords(bytes: number): string {
  const mebibyte = 1024 * 1024;
  return bytes % mebibyte === 0 ? `${bytes / mebibyte} MiB` : `${bytes} bytes`;
}

const CAUSES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file: check the path',
  EACCES: 'this user may not read it: check its permissions',
  ENOTDIR: 'a part of this path is not a directory: check the path',
  ELOOP: 'the symbolic links of this path lead in a circle: check the path',
};

function causeOf(error: unknown): string {
  if (error instanceof Unreadable) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return CAUSES[code] ?? `it cannot be read (${code}): check the path and the file`;
}
