/** Places as people and editors read them. */

import { plain } from '../../plain.js';
import { jsonPath, nearest, type Place } from '../place.js';
import type { LineFinder } from './report.js';

/** Where to look: `line` and `column` from 1, 0 where there is none; `path` may be empty. */
export interface Spot {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
}

/** The spot of a place, whichever kind it is of; of a value that was left out, the line of what it would be in. */
export function spotOf(place: Place, sources: LineFinder): Spot {
  if (place.kind === 'config') return place;
  const { line, column } = nearest(place, at => sources.lineOf(at)) ?? { line: 0, column: 0 };
  return { file: place.file, line, column, path: jsonPath(place.steps) };
}

/** `clb.json:12 $.LoadBalancerDescriptions[0]`, fit for a terminal. */
export function placeWords(place: Place, sources: LineFinder): string {
  const { file, line, path } = spotOf(place, sources);
  const which = place.kind === 'document' && place.document > 0 && line === 0 ? ` document ${place.document + 1}` : '';
  return `${plain(fileWords(file))}${line === 0 ? '' : `:${line}`}${which}${path === '' ? '' : ` ${plain(shortPath(path))}`}`;
}

const LONGEST_PATH = 300;

/** A key of a file may be as long as the file. */
export function shortPath(path: string): string {
  return path.length <= LONGEST_PATH ? path : `${path.slice(0, LONGEST_PATH)}…`;
}

/** A file by the name that was given. */
export function fileWords(file: string): string {
  if (file === '') return '""';
  return file === '-' ? 'standard input' : file;
}

/** A path as it is named from the directory `base`, without `./` in front; unchanged when it is outside. */
export function within(base: string, file: string): string {
  const inside = base !== '' && file.startsWith(`${base}/`) ? file.slice(base.length + 1) : file;
  return inside.replace(/^(?:\.\/+)+/, '');
}
