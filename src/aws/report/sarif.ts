/** A report as SARIF 2.1.0 (OASIS), which code scanning of GitHub and editors read. */
import type { Finding } from '../finding.js';
import type { Place } from '../place.js';
import { type Spot, spotOf, within } from './place-words.js';
import type { Report, RuleText } from './report.js';

interface Message {
  readonly text: string;
}

export interface SarifLocation {
  readonly id?: number;
  readonly physicalLocation: {
    readonly artifactLocation: { readonly uri: string };
    readonly region?: { readonly startLine: number; readonly startColumn?: number };
  };
  readonly logicalLocations?: readonly { readonly fullyQualifiedName: string }[];
  readonly message?: Message;
}

export interface SarifResult {
  readonly ruleId: string;
  readonly ruleIndex?: number;
  readonly level: Level;
  readonly message: Message;
  readonly locations: readonly SarifLocation[];
  readonly relatedLocations?: readonly SarifLocation[];
}

type Level = 'error' | 'warning' | 'note';

interface SarifRule {
  readonly id: string;
  readonly shortDescription: Message;
  /** GitHub wants one. */
  readonly fullDescription: Message;
  readonly help: Message;
  readonly defaultConfiguration: { readonly level: Level };
}

interface Notification {
  readonly level: Level;
  readonly message: Message;
  readonly locations: readonly SarifLocation[];
}

export interface SarifLog {
  readonly $schema: string;
  readonly version: '2.1.0';
  readonly runs: readonly {
    readonly tool: {
      readonly driver: { readonly name: 'usher'; readonly version: string; readonly rules: readonly SarifRule[] };
    };
    readonly columnKind: 'utf16CodeUnits';
    readonly invocations: readonly {
      /** False: a document could not be understood. */
      readonly executionSuccessful: boolean;
      readonly toolExecutionNotifications: readonly Notification[];
    }[];
    readonly results: readonly SarifResult[];
  }[];
}

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** For JSON.stringify; `version` is usher's own, files below the directory `base` are named from there. */
export function reportSarif(report: Report, { version, base }: { version: string; base: string }): SarifLog {
  const { rules, findings, problems, sources } = report;
  const located: Locate = place => locationAt(spotOf(place, sources), base);
  const indexes = new Map(rules.map(({ id }, index) => [id, index]));
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'usher', version, rules: rules.map(sarifRule) } },
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            executionSuccessful: problems.length === 0,
            toolExecutionNotifications: notifications(report, located, base),
          },
        ],
        results: findings
          .slice(0, MOST_RESULTS)
          .map(finding => sarifResult(finding, indexes.get(finding.rule), located)),
      },
    ],
  };
}

function sarifRule({ id, severity, title, story }: RuleText): SarifRule {
  return {
    id,
    shortDescription: { text: title },
    fullDescription: { text: beginning(story) || title },
    help: { text: story.trim() || title },
    defaultConfiguration: { level: severity },
  };
}

/** GitHub shows no more of a description. */
const LONGEST_DESCRIPTION = 1024;

/** The first paragraph on one line. */
function beginning(story: string): string {
  const [first = ''] = story.trim().split('\n\n');
  return first.replaceAll(/\s+/g, ' ').slice(0, LONGEST_DESCRIPTION);
}

/** Code scanning of GitHub refuses a run with more than 25,000. */
const MOST_RESULTS = 20_000;

/** With the first place as many as it shows; it refuses a run with a result that has more than 1,000. */
const MOST_RELATED = 99;

type Locate = (place: Place) => SarifLocation;

function sarifResult(finding: Finding, ruleIndex: number | undefined, located: Locate): SarifResult {
  const { rule, severity, places } = finding;
  const [first, ...others] = places;
  const related = others.slice(0, MOST_RELATED).map((place, index) => ({
    ...located(place),
    id: index + 1,
    message: { text: 'the other place' },
  }));
  return {
    ruleId: rule,
    ...(ruleIndex === undefined ? {} : { ruleIndex }),
    level: severity,
    message: { text: findingText(finding) },
    locations: [located(first)],
    ...(related.length === 0 ? {} : { relatedLocations: related }),
  };
}

/** Message, consequence, cure and commands, each on a line of its own. */
export function findingText({ message, consequence, cure, commands }: Finding): string {
  return [message, consequence, cure, ...commands].filter(text => text !== '').join('\n');
}

/** What could not be understood, what the files leave open, and how much there is no room for. */
function notifications({ findings, problems, gaps }: Report, located: Locate, base: string): Notification[] {
  const left = findings.length - MOST_RESULTS;
  return [
    ...(left > 0
      ? [{ level: 'warning', message: { text: `${left} more findings were left out` }, locations: [] } as const]
      : []),
    ...problems.map(({ file, line, message }): Notification => {
      const location = locationAt({ file, line, column: 0, path: '' }, base);
      return { level: 'error', message: { text: message }, locations: [location] };
    }),
    ...gaps.map(({ message, at }): Notification => {
      return { level: 'warning', message: { text: message }, locations: [located(at)] };
    }),
  ];
}

function locationAt({ file, line, column, path }: Spot, base: string): SarifLocation {
  const region = { startLine: line, ...(column === 0 ? {} : { startColumn: column }) };
  return {
    physicalLocation: { artifactLocation: { uri: fileUri(file, base) }, ...(line === 0 ? {} : { region }) },
    ...(path === '' ? {} : { logicalLocations: [{ fullyQualifiedName: path }] }),
  };
}

/** A reference relative to `base` (RFC 3986 4.2), `file:` for a path outside of it; standard input is `stdin`. */
export function fileUri(file: string, base = ''): string {
  if (file === '-') return 'stdin';
  const path = within(base, file)
    .split('/')
    // It throws for half a surrogate pair.
    .map(step => encodeURIComponent(step.replace(/\p{Cs}/gu, '\ufffd')))
    .join('/');
  return path.startsWith('/') ? `file://${path}` : path;
}
