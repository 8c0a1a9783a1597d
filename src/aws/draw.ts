/** The way of connections as a picture: `443 SSL ─v1─► 8080 usher ─► 3000 chat`, a line for each. Pure. */
import { formatHostPort } from '../address.js';
import { plain } from '../plain.js';
import type { BackendSettings, ListenerSettings, Settings } from '../settings.js';
import { type Flow, isDatagram, type SentHeader } from './flow.js';
import { isLoopback, ownEndpoint } from './own-endpoint.js';
import { columns } from './report/wrap.js';
import type { Sidecar } from './sidecar.js';

/** What it is drawn with. */
export interface Pen {
  /** Only characters of ASCII. */
  readonly ascii: boolean;
}

/** More are counted instead: nobody reads them. */
const MAX_LINES = 60;
const MAX_ENDPOINTS = 3;
const MAX_BACKENDS = 3;
/** A column is as wide as its widest cell. */
const LONGEST_NAME = 64;
const LONGEST_PROTOCOL = 16;

const LABELS: Readonly<Record<SentHeader, string>> = { v1: 'v1', v2: 'v2', none: '', unknown: '?' };

/** One line; a label is undefined where there is no arrow. */
interface Row {
  readonly balancer: string;
  readonly frontPort: string;
  readonly frontProtocol: string;
  readonly sent: string | undefined;
  readonly port: string;
  readonly usher: string;
  readonly forwarded: string | undefined;
  readonly backends: string;
  readonly isShared: boolean;
}

/**
 * Every flow in its order, then the listeners of usher that no flow comes to. The name of the balancer is there when
 * there are several. On an arrow stands the PROXY header that is sent: v1, v2, nothing, or ? when the files do not say.
 */
export function drawFlows(flows: readonly Flow[], sidecar: Sidecar | undefined, pen: Pen): string[] {
  const settings = sidecar?.settings;
  const listeners = settings?.listeners ?? [];
  const several = new Set(flows.map(({ kind, balancer }) => `${kind} ${balancer}`)).size > 1;
  const shared = sharedPorts(flows);
  const unheard = listeners.filter(listener => !flows.some(flow => isHeard(flow, listener)));
  const rows = [
    ...flows.slice(0, MAX_LINES).map(flow => flowRow(flow, shared, settings, several)),
    ...unheard.map(listener => ({ ...EMPTY, ...listenerCells(listener, settings) })),
  ].slice(0, MAX_LINES);
  const left = flows.length + unheard.length - rows.length;
  const drawn = layOut(rows, pen);
  return left > 0 ? [...drawn, `and ${left} more`] : drawn;
}

/** Ports that several flows come to. */
function sharedPorts(flows: readonly Flow[]): ReadonlySet<number> {
  const [once, again] = [new Set<number>(), new Set<number>()];
  for (const { port } of flows) if (port !== undefined) (once.has(port) ? again : once).add(port);
  return again;
}

const EMPTY: Row = {
  balancer: '',
  frontPort: '',
  frontProtocol: '',
  sent: undefined,
  port: '',
  usher: '',
  forwarded: undefined,
  backends: '',
  isShared: false,
};

function flowRow(flow: Flow, shared: ReadonlySet<number>, settings: Settings | undefined, several: boolean): Row {
  const listener = settings?.listeners.find(listener => isHeard(flow, listener));
  const cells =
    listener === undefined
      ? { port: portWords(flow.port), usher: settings === undefined ? '' : otherWords(flow.port, settings) }
      : listenerCells(listener, settings);
  return {
    ...EMPTY,
    balancer: several ? short(flow.balancer, LONGEST_NAME) : '',
    frontPort: portWords(flow.frontPort),
    frontProtocol: short(flow.frontProtocol, LONGEST_PROTOCOL),
    sent: LABELS[flow.header],
    ...cells,
    isShared: flow.port !== undefined && shared.has(flow.port),
  };
}

function short(text: string, longest: number): string {
  return plain(text.length <= longest ? text : `${text.slice(0, longest - 3)}...`);
}

/** Whether connections of this flow come to that listener, which hears TCP only. */
function isHeard({ port, protocol }: Flow, { listen }: ListenerSettings): boolean {
  return port === listen.port && !isDatagram(protocol);
}

/** Who gets connections to a port that usher does not listen on. */
function otherWords(port: number | undefined, settings: Settings): string {
  if (port === undefined) return '';
  return ownEndpoint(settings, port) === undefined ? 'nobody' : 'past usher';
}

function portWords(port: number | undefined): string {
  return port === undefined ? '?' : String(port);
}

type ListenerCells = Pick<Row, 'port' | 'usher' | 'forwarded' | 'backends'>;

function listenerCells(listener: ListenerSettings, settings: Settings | undefined): ListenerCells {
  const { host, port } = listener.listen;
  return {
    port: isLoopback(host) ? formatHostPort(host, port) : String(port),
    usher: 'usher',
    forwarded: listener.sendProxyProtocol?.version ?? '',
    backends: backendsOf(listener, settings?.backends ?? []),
  };
}

/** `3001 3002 +4 chat, 3100 web`. */
function backendsOf({ routes }: ListenerSettings, backends: readonly BackendSettings[]): string {
  const names = [...new Set(routes.map(({ backend }) => backend))];
  const words = names.slice(0, MAX_BACKENDS).map(name => {
    const backend = backends.find(backend => backend.name === name);
    return plain(backend === undefined ? name : `${endpointsOf(backend)} ${name}`);
  });
  const left = names.length - words.length;
  return `${words.join(', ')}${left === 0 ? '' : ` and ${left} more`}`;
}

function endpointsOf({ endpoints, dns }: BackendSettings): string {
  const all = [
    ...endpoints.map(({ host, port }) => (isLoopback(host) ? String(port) : formatHostPort(host, port))),
    ...dns.map(entry => (entry.kind === 'srv' ? entry.name : formatHostPort(entry.name, entry.port))),
  ];
  if (all.length <= MAX_ENDPOINTS) return all.join(' ');
  return `${all.slice(0, MAX_ENDPOINTS - 1).join(' ')} +${all.length - MAX_ENDPOINTS + 1}`;
}

function layOut(rows: readonly Row[], pen: Pen): string[] {
  const every = <K extends keyof Row>(key: K) => rows.map(row => row[key]);
  const drawn = [
    aligned(every('balancer')),
    aligned(every('frontPort'), 'right'),
    aligned(every('frontProtocol')),
    arrows(every('sent'), pen),
    aligned(every('port'), 'right'),
    aligned(every('usher')),
    arrows(every('forwarded'), pen),
    aligned(every('backends')),
    every('isShared').map(isShared => (isShared ? `${pen.ascii ? '<' : '◄'} shared` : '')),
  ].filter(column => column.some(cell => cell.trim() !== ''));
  return rows.map((_, index) => {
    const cells = drawn.map(column => column[index]);
    return cells.join(' ').trimEnd();
  });
}

/** The cells of a column, all as wide as the widest. */
function aligned(cells: readonly string[], side: 'left' | 'right' = 'left'): string[] {
  const width = Math.max(0, ...cells.map(columns));
  return cells.map(cell => {
    const room = ' '.repeat(width - columns(cell));
    return side === 'left' ? `${cell}${room}` : `${room}${cell}`;
  });
}

/** Arrows of one length with their labels; none where the label is undefined. */
function arrows(labels: readonly (string | undefined)[], { ascii }: Pen): string[] {
  const [line, head] = ascii ? ['-', '>'] : ['─', '►'];
  const width = Math.max(0, ...labels.map(label => columns(label ?? '')));
  return aligned(
    labels.map(label => {
      if (label === undefined) return '';
      return `${line}${label}${line.repeat(width - columns(label))}${width === 0 ? '' : line}${head}`;
    }),
  );
}
