/** A report for scripts. Fields are only ever added; what changes otherwise gets another {@link SCHEMA_VERSION}. */
import type { Severity } from '../finding.js';
import type { Flow } from '../flow.js';
import type { Place } from '../place.js';
import { countsOf } from './counts.js';
import { spotOf } from './place-words.js';
import type { LineFinder, Report } from './report.js';

const SCHEMA_VERSION = 1;

/**
 * Lines and columns count from 1; null: not known. Those of a value that was left out are of what it would be in.
 * Documents of a file count from 0.
 */
export type JsonPlace =
  | {
      readonly kind: 'document';
      /** As it was named; `-`: standard input. */
      readonly file: string;
      readonly document: number;
      /** RFC 9535. */
      readonly jsonPath: string;
      readonly line: number | null;
      readonly column: number | null;
    }
  | {
      readonly kind: 'config';
      readonly file: string;
      readonly line: number | null;
      readonly column: number | null;
      /** `listeners.chat.proxyProtocol`; empty: the whole file. */
      readonly path: string;
    };

export interface JsonFinding {
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  /** Empty: the message says it. */
  readonly consequence: string;
  /** Empty: the message says it. */
  readonly cure: string;
  /** For a POSIX shell, in their order. */
  readonly commands: readonly string[];
  /** The one to change first. */
  readonly places: readonly JsonPlace[];
}

export interface JsonFlow {
  readonly kind: Flow['kind'];
  readonly balancer: string;
  readonly frontPort: number | null;
  readonly frontProtocol: string;
  readonly protocol: string;
  /** That usher has to listen on. */
  readonly port: number | null;
  readonly header: Flow['header'];
  readonly targetGroupArn: string | null;
  readonly place: JsonPlace;
  /** What decides on the header. */
  readonly headerPlace: JsonPlace;
}

export interface JsonReport {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly summary: {
    readonly errors: number;
    readonly warnings: number;
    readonly notes: number;
    /** Documents that could not be understood. */
    readonly problems: number;
    readonly gaps: number;
    readonly files: number;
    /** Rules that were asked. */
    readonly rules: number;
    /** Whether usher's configuration was compared. */
    readonly compared: boolean;
  };
  readonly findings: readonly JsonFinding[];
  readonly flows: readonly JsonFlow[];
  readonly gaps: readonly { readonly kind: string; readonly message: string; readonly place: JsonPlace }[];
  readonly problems: readonly {
    readonly file: string;
    readonly document: number;
    readonly line: number | null;
    readonly message: string;
  }[];
}

/** For JSON.stringify. */
export function reportJson(report: Report): JsonReport {
  const place = (place: Place) => jsonPlace(place, report.sources);
  return {
    schemaVersion: SCHEMA_VERSION,
    summary: summaryOf(report),
    findings: report.findings.map(({ rule, severity, message, consequence, cure, commands, places }) => ({
      rule,
      severity,
      message,
      consequence,
      cure,
      commands,
      places: places.map(place),
    })),
    flows: report.flows.map(flow => jsonFlow(flow, place)),
    gaps: report.gaps.map(({ kind, message, at }) => ({ kind, message, place: place(at) })),
    problems: report.problems.map(({ file, document, line, message }) => ({
      file,
      document,
      line: known(line),
      message,
    })),
  };
}

function summaryOf(report: Report): JsonReport['summary'] {
  const { error, warning, note } = countsOf(report);
  return {
    errors: error,
    warnings: warning,
    notes: note,
    problems: report.problems.length,
    gaps: report.gaps.length,
    files: report.files.length,
    rules: report.asked,
    compared: report.sidecar !== undefined,
  };
}

function jsonFlow(flow: Flow, place: (place: Place) => JsonPlace): JsonFlow {
  const { kind, balancer, frontPort, frontProtocol, protocol, port, header, targetGroupArn, at, headerAt } = flow;
  return {
    kind,
    balancer,
    frontPort: frontPort ?? null,
    frontProtocol,
    protocol,
    port: port ?? null,
    header,
    targetGroupArn: targetGroupArn ?? null,
    place: place(at),
    headerPlace: place(headerAt),
  };
}

function jsonPlace(place: Place, sources: LineFinder): JsonPlace {
  if (place.kind === 'config') {
    const { kind, file, line, column, path } = place;
    return { kind, file, line: known(line), column: known(column), path };
  }
  const { kind, file, document } = place;
  const { line, column, path } = spotOf(place, sources);
  return { kind, file, document, jsonPath: path, line: known(line), column: known(column) };
}

function known(position: number): number | null {
  return position === 0 ? null : position;
}
