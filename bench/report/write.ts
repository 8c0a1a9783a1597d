/** Writes a report in all its forms. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonOf } from './json.js';
import { markdownOf } from './markdown.js';
import type { Report } from './report.js';
import { svgOf } from './svg.js';

/** `latest.json`, `latest.md` and `latest.svg` in this directory, which is made if need be. */
export function writeReport(report: Report, directory: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'latest.json'), jsonOf(report));
  writeFileSync(join(directory, 'latest.md'), markdownOf(report, 'latest.svg'));
  writeFileSync(join(directory, 'latest.svg'), svgOf(report));
}
