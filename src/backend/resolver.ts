/**
 * Endpoints by DNS: one name, looked up again and again for as long as it is watched.
 *
 * A and AAAA records are asked of the name servers (RFC 1035, RFC 3596), SRV records (RFC 2782) point to names that are
 * looked up in the same way. No search domains there, so a name is written in full. A plain name that the name servers
 * don't know is asked of the system (`getaddrinfo`), which reads /etc/hosts and nsswitch.conf too, and may search.
 */
import type { SrvRecord } from 'node:dns';
import { Resolver as NameServers, lookup as systemLookup } from 'node:dns/promises';
import { canonicalAddress } from '../address.js';
import type { DnsSettings, EndpointSettings } from '../settings.js';

/** What a resolver tells; never from inside `start()`, and never after `stop()`. */
export interface ResolverUser {
  /**
   * The set isn't what it was: another host, port or weight. At least one endpoint, sorted by host and port, no host and
   * port twice: every usher that gets the same answers has the same list.
   */
  endpointsFound(endpoints: readonly EndpointSettings[]): void;
  /**
   * A lookup failed or came back empty; what was found last stays. Told for the first of a row only.
   * @param name that of the settings
   * @param why what was asked and the resolver's code: `A ESERVFAIL, AAAA ETIMEOUT`
   */
  lookupFailed(name: string, why: string): void;
  /** The lookup that ends such a row; called before `endpointsFound`. */
  lookupRecovered(name: string): void;
}

/** Calls `act` once, `ms` from now, unless the function that it returns is called before. */
export type Later = (act: () => void, ms: number) => () => void;

export interface ResolverOptions {
  /** Name servers, `127.0.0.1:53`; left out: those of /etc/resolv.conf. */
  readonly servers?: readonly string[];
  /** Floor and ceiling of the time between two lookups. */
  readonly minTtlMs?: number;
  readonly maxTtlMs?: number;
  /** Until the next lookup behind the first that failed; doubles up to `maxRetryMs`. */
  readonly retryMs?: number;
  readonly maxRetryMs?: number;
  /** How long a name server has for its first answer; it is asked twice, with twice the time. */
  readonly timeoutMs?: number;
  /** Asks the system for a name's addresses; may reject. */
  readonly lookup?: (name: string) => Promise<readonly string[]>;
  /** From 0 up to 1, as `Math.random`. */
  readonly random?: () => number;
  readonly later?: Later;
}

const DEFAULTS = {
  minTtlMs: 5_000,
  maxTtlMs: 60_000,
  retryMs: 1_000,
  maxRetryMs: 30_000,
  timeoutMs: 2_000,
  lookup: lookupBySystem,
  random: Math.random,
  later: laterUnheld,
} as const satisfies ResolverOptions;

/** Endpoints, SRV records and addresses of one host that are taken: the first in order, so the same everywhere. */
const MOST = 1_024;
/** Targets looked up at the same time: a name server counts packets (Route 53: 1,024 a second from one host). */
const TARGETS_AT_ONCE = 16;
const TRIES = 2;
/** The system gives no TTL: this many times the floor. */
const SYSTEM_TTL_FACTOR = 6;
/**
 * How much longer than planned one waits at most, so that ushers that started together don't ask together. Never shorter:
 * a name server's cache would give the same answer again, with the rest of its TTL.
 */
const JITTER = 0.1;

/** What a lookup came to. `why`: something failed, and what is here is the last good answer, or part of it, or empty. */
interface Answer<T> {
  readonly found: readonly T[];
  /** `Infinity`: no TTL was given. */
  readonly ttlMs: number;
  readonly why: string | undefined;
}

/** Watches one name. Started once and stopped once; doesn't keep the process alive between two lookups. */
export class Resolver {
  private readonly options: Required<Omit<ResolverOptions, 'servers'>>;
  private readonly servers: readonly string[] | undefined;
  private state: 'new' | 'running' | 'stopped' = 'new';
  private nameServers: NameServers | undefined;
  /** What is known of the name itself, or of the targets of its SRV records; never more than {@link MOST}. */
  private hosts: ReadonlyMap<string, Host> = new Map();
  private told: readonly EndpointSettings[] = [];
  /** Lookups that failed in a row. */
  private failures = 0;
  private ended = false;
  private cancelNext = () => {};

  constructor(
    private readonly settings: DnsSettings,
    private readonly user: ResolverUser,
    { servers, ...options }: ResolverOptions = {},
  ) {
    this.servers = servers;
    this.options = { ...DEFAULTS, ...options };
  }

  /** Whether the first lookup has ended, well or not: its outcome is being told or has been. */
  get settled(): boolean {
    return this.ended;
  }

  start(): void {
    if (this.state !== 'new') return;
    this.state = 'running';
    void this.lookUp();
  }

  /** Cancels everything; a question to the system can't be cancelled, but its answer isn't told. */
  stop(): void {
    this.state = 'stopped';
    this.cancelNext();
    this.nameServers?.cancel();
  }

  private get stopped(): boolean {
    return this.state === 'stopped';
  }

  private async lookUp(): Promise<void> {
    const answer = await this.ask().catch(nothingFound);
    if (this.stopped) return;
    this.ended = true;
    const failuresBefore = this.failures;
    this.failures = answer.why === undefined ? 0 : failuresBefore + 1;
    this.cancelNext = this.options.later(() => void this.lookUp(), this.waitMs(answer));
    this.tellFailure(answer.why, failuresBefore);
    this.tellEndpoints(answer.found);
  }

  /** The TTL within its bounds; behind a failure it may be sooner. */
  private waitMs({ ttlMs, why }: Answer<unknown>): number {
    const { minTtlMs, maxTtlMs, retryMs, maxRetryMs, random } = this.options;
    const bounded = Math.min(Math.max(ttlMs, minTtlMs), maxTtlMs);
    const retry = Math.min(retryMs * 2 ** (this.failures - 1), maxRetryMs);
    return (why === undefined ? bounded : Math.min(bounded, retry)) * (1 + JITTER * random());
  }

  private tellFailure(why: string | undefined, failuresBefore: number): void {
    const { name } = this.settings;
    if (why !== undefined && failuresBefore === 0) this.user.lookupFailed(name, why);
    if (why === undefined && failuresBefore > 0) this.user.lookupRecovered(name);
  }

  private tellEndpoints(found: readonly EndpointSettings[]): void {
    if (this.stopped || found.length === 0 || sameEndpoints(found, this.told)) return;
    this.told = found;
    this.user.endpointsFound(found);
  }

  /** Sorted endpoints; rejects only where the resolver itself can't be made. */
  private async ask(): Promise<Answer<EndpointSettings>> {
    const { servers, settings } = this;
    // A new one for each lookup reads /etc/resolv.conf anew.
    const nameServers = new NameServers({ timeout: this.options.timeoutMs, tries: TRIES });
    if (servers !== undefined) nameServers.setServers(servers);
    this.nameServers = nameServers;
    const { found, ttlMs, why } =
      settings.kind === 'srv'
        ? await this.askForTargets(nameServers, settings.name)
        : await this.askForAddresses(nameServers, settings);
    const endpoints = endpointSet(found);
    return { found: endpoints, ttlMs, why: why ?? (endpoints.length === 0 ? 'no usable address' : undefined) };
  }

  private async askForAddresses(
    nameServers: NameServers,
    { name, port, weight }: DnsSettings & { readonly kind: 'address' },
  ): Promise<Answer<EndpointSettings>> {
    this.hosts = this.keepHosts([name]);
    const byDns = await this.askForHost(nameServers, name);
    const { found, ttlMs, why } = byDns.found.length > 0 || this.stopped ? byDns : await this.askSystem(name, byDns);
    return { found: found.map(host => ({ host, port, weight })), ttlMs, why };
  }

  /** For a name that the name servers have never known: one of /etc/hosts, of compose or of nsswitch.conf, perhaps. */
  private async askSystem(name: string, byDns: Answer<string>): Promise<Answer<string>> {
    const { found, why } = await answerOf('system', () => this.options.lookup(name));
    if (why !== undefined) return { ...byDns, why: `${byDns.why}, ${why}` };
    return { found, ttlMs: SYSTEM_TTL_FACTOR * this.options.minTtlMs, why };
  }

  /** Only the records of the lowest priority count (RFC 2782). The TTL is that of their targets: Node has no other. */
  private async askForTargets(nameServers: NameServers, name: string): Promise<Answer<EndpointSettings>> {
    const srv = await answerOf('SRV', () => nameServers.resolveSrv(name));
    if (srv.why !== undefined) return { found: [], ttlMs: srv.ttlMs, why: srv.why };
    const records = preferred(srv.found);
    const targets = [...new Set(records.map(record => record.name))];
    this.hosts = this.keepHosts(targets);
    const answers = await this.askForHosts(nameServers, targets);
    return {
      found: records.flatMap(({ name, port, weight }) =>
        (answers.get(name)?.found ?? []).map(host => ({ host, port, weight: Math.max(1, weight) })),
      ),
      ttlMs: Math.min(...[...answers.values()].map(answer => answer.ttlMs)),
      why: targets.map(target => aboutTarget(target, answers.get(target)?.why)).find(why => why !== undefined),
    };
  }

  private async askForHosts(
    nameServers: NameServers,
    names: readonly string[],
  ): Promise<ReadonlyMap<string, Answer<string>>> {
    const answers = new Map<string, Answer<string>>();
    const waiting = names.values();
    // All of them take from the same iterator.
    const askInTurn = async () => {
      for (const name of waiting) {
        if (this.stopped) return;
        answers.set(name, await this.askForHost(nameServers, name));
      }
    };
    await Promise.all(Array.from({ length: TARGETS_AT_ONCE }, askInTurn));
    return answers;
  }

  private async askForHost(nameServers: NameServers, name: string): Promise<Answer<string>> {
    const [v4, v6] = await Promise.all([
      answerOf('A', () => nameServers.resolve4(name, { ttl: true })),
      answerOf('AAAA', () => nameServers.resolve6(name, { ttl: true })),
    ]);
    return (this.hosts.get(name) ?? new Host()).learn(v4, v6);
  }

  /** The hosts of these names, with what was known of them; the others are forgotten. */
  private keepHosts(names: readonly string[]): ReadonlyMap<string, Host> {
    return new Map(names.map(name => [name, this.hosts.get(name) ?? new Host()]));
  }
}

/** An A or AAAA record as Node gives it; Node 20 gives no TTL behind the 256th. */
interface AddressRecord {
  readonly address: string;
  readonly ttl: number | undefined;
}

/** The last good addresses of one name, each family for itself. */
class Host {
  private v4: readonly string[] = [];
  private v6: readonly string[] = [];

  /**
   * A family that has no records while the other one has some is left out; one whose lookup failed keeps its last
   * answer. Where neither has any (the name is gone, or nobody answers), both do.
   */
  learn(v4: Reply<AddressRecord>, v6: Reply<AddressRecord>): Answer<string> {
    const ttlMs = shortestTtlMs([...v4.found, ...v6.found]);
    if (v4.found.length === 0 && v6.found.length === 0) return this.answer(ttlMs, `${v4.why}, ${v6.why}`);
    if (v4.has !== 'failed') this.v4 = addressesIn(v4.found);
    if (v6.has !== 'failed') this.v6 = addressesIn(v6.found);
    // A name server that can't do AAAA, and never could, is no failure.
    const missed4 = v4.has === 'failed' && this.v4.length > 0;
    const missed6 = v6.has === 'failed' && this.v6.length > 0;
    return this.answer(ttlMs, missed4 ? v4.why : missed6 ? v6.why : undefined);
  }

  private answer(ttlMs: number, why: string | undefined): Answer<string> {
    return { found: [...this.v4, ...this.v6], ttlMs, why };
  }
}

/** What one question came to. `none`: there are no such records; `failed`: nobody could say. */
interface Reply<T> extends Answer<T> {
  readonly has: 'some' | 'none' | 'failed';
}

/** Asks once; a rejection or a throw becomes a reply without records. `why` begins with `what`. */
async function answerOf<T>(what: string, ask: () => Promise<readonly T[]>): Promise<Reply<T>> {
  try {
    const found = await ask();
    if (found.length > 0) return { found, ttlMs: Number.POSITIVE_INFINITY, why: undefined, has: 'some' };
    return noReply(what, 'ENODATA');
  } catch (error) {
    return noReply(what, (error as NodeJS.ErrnoException).code ?? 'unknown');
  }
}

function noReply<T>(what: string, code: string): Reply<T> {
  const has = code === 'ENODATA' || code === 'ENOTFOUND' ? 'none' : 'failed';
  return { found: [], ttlMs: Number.POSITIVE_INFINITY, why: `${what} ${code}`, has };
}

function nothingFound(error: unknown): Answer<never> {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  return { found: [], ttlMs: Number.POSITIVE_INFINITY, why: code };
}

function addressesIn(records: readonly AddressRecord[]): readonly string[] {
  const addresses = records.map(record => record.address);
  return addresses.sort().slice(0, MOST);
}

function shortestTtlMs(records: readonly AddressRecord[]): number {
  return records.reduce((least, { ttl = least }) => Math.min(least, ttl * 1_000), Number.POSITIVE_INFINITY);
}

/** Those of the lowest priority, sorted. Target `.`, which c-ares makes empty, says "no such service" (RFC 2782). */
function preferred(records: readonly SrvRecord[]): readonly SrvRecord[] {
  const usable = records.filter(record => record.name !== '' && record.name !== '.' && record.port > 0);
  const lowest = Math.min(...usable.map(record => record.priority));
  const group = usable.filter(record => record.priority === lowest);
  return group.sort(byTarget).slice(0, MOST);
}

function byTarget(one: SrvRecord, other: SrvRecord): number {
  return inOrder({ host: one.name, port: one.port }, { host: other.name, port: other.port });
}

function aboutTarget(target: string, why: string | undefined): string | undefined {
  return why && `${target}: ${why}`;
}

/**
 * The same list for the same endpoints: canonical addresses, sorted by host (as text) and port, the greater weight where a
 * host and port come twice, {@link MOST} at most. What is no address of a single host falls out.
 */
function endpointSet(endpoints: readonly EndpointSettings[]): readonly EndpointSettings[] {
  const byKey = new Map<string, EndpointSettings>();
  for (const { host: text, port, weight } of endpoints) {
    const host = canonicalAddress(text);
    if (host === undefined || UNSPECIFIED.has(host)) continue;
    const key = `${host} ${port}`;
    byKey.set(key, { host, port, weight: Math.max(weight, byKey.get(key)?.weight ?? 0) });
  }
  return [...byKey.values()].sort(inOrder).slice(0, MOST);
}

/** A filtering name server's way to say no; a dial would reach usher's own machine. */
const UNSPECIFIED: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

type HostPort = Pick<EndpointSettings, 'host' | 'port'>;

/** By code units, which no locale changes. */
function inOrder(one: HostPort, other: HostPort): number {
  if (one.host !== other.host) return one.host < other.host ? -1 : 1;
  return one.port - other.port;
}

function sameEndpoints(some: readonly EndpointSettings[], others: readonly EndpointSettings[]): boolean {
  return some.length === others.length && some.every((one, index) => sameEndpoint(one, others[index]));
}

function sameEndpoint(one: EndpointSettings, other: EndpointSettings | undefined): boolean {
  return one.host === other?.host && one.port === other.port && one.weight === other.weight;
}

async function lookupBySystem(name: string): Promise<readonly string[]> {
  return (await systemLookup(name, { all: true })).map(({ address }) => address);
}

function laterUnheld(act: () => void, ms: number): () => void {
  const timer = setTimeout(act, ms).unref();
  return () => clearTimeout(timer);
}
