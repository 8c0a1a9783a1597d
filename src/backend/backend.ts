/** A backend: its endpoints, who of them works, and which one a request gets. */
import { performance } from 'node:perf_hooks';
import { isDeepStrictEqual } from 'node:util';
import { formatHostPort } from '../address.js';
import type { Code } from '../codes.js';
import type { Ask, Lease, LeaseSource, LeaseUser } from '../lease.js';
import type { AffinitySettings, BackendSettings, DnsSettings, EndpointSettings } from '../settings.js';
import type { BackendStatus } from '../status.js';
import type { Timed } from '../timed.js';
import { DEAF, Wire } from '../wire.js';
import { Attempt, type AttemptHost, type Choice, type FailedDial } from './attempt.js';
import { jittered, startCheck } from './check.js';
import { dial } from './dial.js';
import { BackendConnection, Endpoint, type EndpointOptions, type EndpointOwner } from './endpoint.js';
import type { Change } from './health.js';
import { candidates, pickByHash, pickLeastActive, Rotation } from './pick.js';
import { Resolver, type ResolverOptions, type ResolverUser } from './resolver.js';
import { Sessions } from './sessions.js';
import { Tokens } from './tokens.js';
import { Waiting } from './waiting.js';

/** What a backend tells; the corridor passes it on to the observer. */
export interface BackendEvents {
  dialEnded(backend: string, endpoint: string, durationMs: number, code: Code | undefined): void;
  endpointChanged(backend: string, endpoint: string, up: boolean, why?: string): void;
  lookupSettled(backend: string, name: string, why: string | undefined): void;
}

/**
 * Dials of requests that another endpoint has failed, per request that asks: when everything is down, trying everything
 * for everybody makes it worse.
 */
const MOVES_PER_LEASE = 0.2;
const MOST_MOVES = 100;

/** What this machine lacks says nothing of an endpoint. */
const OUR_OWN: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'EADDRNOTAVAIL']);

/**
 * Endpoints that DNS or the configuration has forgotten and that are known again when it remembers: an answer may hold a
 * part of them only, and a reload may be taken back.
 */
const MOST_FORGOTTEN = 1_024;

export class Backend implements LeaseSource, Timed, AttemptHost, EndpointOwner {
  readonly name: string;
  deadlineAt = 0;
  private endpoints: readonly Endpoint[] = [];
  private readonly rotation = new Rotation<Endpoint>();
  private tokens: Tokens<Endpoint> | undefined;
  private readonly sessions = new Sessions<Endpoint>();
  private readonly waiting: Waiting;
  private moves = MOST_MOVES;
  /** Dials under way. */
  private dialling = 0;
  private readonly forgotten = new Map<string, Endpoint>();
  /** By {@link nameOf}, as is what was found. */
  private resolvers: ReadonlyMap<string, Resolver> = new Map();
  private readonly found = new Map<string, readonly EndpointSettings[]>();
  private options: EndpointOptions;
  private closed = false;
  /** Told when nothing is left of a backend that is gone from the configuration. */
  private tellOver: (() => void) | undefined;

  /**
   * @param greeting what usher's own checks send first: a PROXY header, where the endpoints expect one
   * @param lookups a seam for tests
   */
  constructor(
    private settings: BackendSettings,
    private readonly events: BackendEvents,
    private greeting?: Buffer,
    private readonly lookups?: ResolverOptions,
  ) {
    this.name = settings.name;
    this.waiting = new Waiting(settings.holdForMs);
    this.tokens = tokensOf(settings);
    this.options = optionsOf(settings);
    this.resolvers = this.resolversOf(settings);
    this.rebuild(false);
  }

  /** How requests that belong together are told, from now on. */
  get affinity(): AffinitySettings | undefined {
    return this.settings.affinity;
  }

  // ---- reload ----

  /**
   * From now on these settings count, for what is asked from now on. Endpoints that stay keep all they have; sessions,
   * requests that wait and what is lent out stay where they are.
   * @param settings of the same name
   */
  swap(settings: BackendSettings, greeting?: Buffer): void {
    const before = this.settings;
    const checksBefore = [before.healthCheck, this.greeting];
    this.tellOver = undefined;
    this.settings = settings;
    this.greeting = greeting;
    this.waiting.holdForMs = settings.holdForMs;
    if (!isDeepStrictEqual(before.affinity, settings.affinity)) this.tokens = tokensOf(settings);
    const options = optionsOf(settings);
    if (!isDeepStrictEqual(options, this.options)) this.options = options;
    this.swapResolvers(settings);
    if (!isDeepStrictEqual(checksBefore, [settings.healthCheck, greeting]))
      for (const endpoint of this.endpoints) endpoint.checkAnew();
    this.rebuild(true);
  }

  private swapResolvers(settings: BackendSettings): void {
    const before = this.resolvers;
    this.resolvers = this.resolversOf(settings);
    for (const [name, resolver] of before) {
      if (this.resolvers.has(name)) continue;
      resolver.stop();
      this.found.delete(name);
    }
    for (const resolver of this.resolvers.values()) resolver.start();
  }

  /**
   * It is gone from the configuration. Who asks all the same (a request that is sent again, or that waits) is served as
   * long as it can be; {@link swap} brings it back with its sessions.
   * @param over called, once and not at once, when nothing is lent, nobody waits and no session is known
   */
  leave(over: () => void): void {
    this.tellOver = over;
    for (const resolver of this.resolvers.values()) resolver.stop();
    this.resolvers = new Map();
    for (const endpoint of this.endpoints) endpoint.close(performance.now());
  }

  // ---- leases ----

  lease(ask: Ask, fresh: boolean, user: LeaseUser): void {
    this.moves = Math.min(MOST_MOVES, this.moves + MOVES_PER_LEASE);
    new Attempt(this, ask, fresh, user).start();
  }

  choose(ask: Ask, tried: ReadonlySet<Endpoint>): Choice {
    const continued = ask.session === undefined ? undefined : this.continued(ask.session, tried);
    if (continued !== undefined) return continued;
    const endpoint = this.place(ask, tried);
    return endpoint === undefined ? { kind: 'none' } : { kind: 'endpoint', endpoint };
  }

  /** The endpoint of an earlier request; a draining one keeps what it has. */
  private continued(session: string, tried: ReadonlySet<Endpoint>): Choice | undefined {
    const now = performance.now();
    const endpoint = this.tokens === undefined ? this.sessions.find(session, now) : this.tokens.find(session);
    if (endpoint === undefined) return undefined;
    // A cookie only prefers. A Socket.IO session exists nowhere else: a check that fails, or a DNS that has forgotten the
    // endpoint, may only say that it is about to leave, so that it is lost only when it can't be reached.
    if (this.tokens !== undefined) {
      return !tried.has(endpoint) && endpoint.answers(now) ? { kind: 'endpoint', endpoint } : undefined;
    }
    return { kind: tried.has(endpoint) ? 'lost' : 'endpoint', endpoint };
  }

  private place(ask: Ask, tried: ReadonlySet<Endpoint>): Endpoint | undefined {
    const { endpoints, settings } = this;
    if (endpoints.length === 1 && tried.size === 0) return endpoints[0];
    const now = performance.now();
    for (const endpoint of endpoints) endpoint.refresh(now);
    const choice = candidates(endpoints, tried);
    if (choice === undefined) return undefined;
    if (settings.balance === 'hash') return pickByHash(choice, ask.key ?? ask.client, settings.loadBound);
    return settings.balance === 'least-connections'
      ? pickLeastActive(choice, this.rotation)
      : this.rotation.next(choice);
  }

  lend(connection: BackendConnection, endpoint: Endpoint, ask: Ask): Lease {
    if (this.waiting.size > 0 && endpoint.health.connects) this.waiting.follow();
    return connection.lend(this.cookieFor(endpoint, ask));
  }

  dialFor(endpoint: Endpoint, ask: Ask, done: (result: Lease | FailedDial) => void): void {
    const startedAt = performance.now();
    this.dialling += 1;
    dial(endpoint.settings, this.settings.timeouts.connectMs, {
      onConnected: transport => {
        const now = performance.now();
        this.dialling -= 1;
        this.events.dialEnded(this.name, endpoint.label, now - startedAt, undefined);
        this.changed(endpoint, endpoint.health.dialSucceeded(now));
        done(new BackendConnection(endpoint, new Wire(transport, DEAF)).lend(this.cookieFor(endpoint, ask)));
        // Whatever the checks still say: who waits has somewhere to go.
        if (!endpoint.closed || this.tellOver !== undefined) this.waiting.resume();
      },
      onFailed: (code, why) => {
        const now = performance.now();
        this.dialling -= 1;
        this.events.dialEnded(this.name, endpoint.label, now - startedAt, code);
        const isOurs = OUR_OWN.has(why);
        if (!isOurs) this.changed(endpoint, endpoint.health.dialFailed(now), why);
        done({ code, isOurs });
      },
    });
  }

  private cookieFor(endpoint: Endpoint, { session }: Ask): string | undefined {
    return this.tokens?.missing(endpoint, session);
  }

  mayMove(): boolean {
    if (this.moves < 1) return false;
    this.moves -= 1;
    return true;
  }

  hold(attempt: Attempt): boolean {
    return this.waiting.add(attempt);
  }

  // ---- sessions and health ----

  learn(id: string, endpoint: Endpoint, aliveMs: number): void {
    this.sessions.learn(id, endpoint, aliveMs, performance.now());
  }

  changed(endpoint: Endpoint, change: Change, why?: string): void {
    if (change === undefined || this.closed || endpoint.closed) return;
    this.events.endpointChanged(this.name, endpoint.label, change === 'up', why);
    if (change === 'up') this.waiting.resume();
  }

  /** Asks for the addresses of names and checks every endpoint, so that readiness doesn't wait for a client. */
  start(): void {
    for (const resolver of this.resolvers.values()) resolver.start();
    this.onDeadline(performance.now());
  }

  /** Called by every sweep. */
  onDeadline(now: number): void {
    for (const endpoint of this.endpoints) {
      if (endpoint.closed) continue;
      endpoint.retireIdle(now);
      if (now >= endpoint.checkAt && endpoint.check === undefined) this.check(endpoint, now);
    }
    this.sessions.sweep(now);
    this.waiting.sweep(
      now,
      this.endpoints.some(({ health }) => health.connects),
    );
    if (this.tellOver !== undefined && this.isOver) this.tellOver();
  }

  private get isOver(): boolean {
    const nobodyAsks = this.dialling === 0 && this.waiting.size === 0 && this.sessions.size === 0;
    return nobodyAsks && [...this.endpoints, ...this.forgotten.values()].every(({ active }) => active === 0);
  }

  private check(endpoint: Endpoint, now: number): void {
    const { http, timeoutMs, intervalMs } = this.settings.healthCheck;
    endpoint.checkAt = now + jittered(intervalMs, Math.random());
    const options = { endpoint: endpoint.settings, http, timeoutMs, greeting: this.greeting };
    endpoint.check = startCheck(options, {
      onPassed: () => {
        endpoint.check = undefined;
        this.changed(endpoint, endpoint.health.checkPassed(performance.now()));
      },
      onFailed: why => {
        endpoint.check = undefined;
        if (!OUR_OWN.has(why)) this.changed(endpoint, endpoint.health.checkFailed(performance.now()), why);
      },
    });
  }

  // ---- the endpoints ----

  /** One for each name; those that there are already go on. */
  private resolversOf({ dns }: BackendSettings): ReadonlyMap<string, Resolver> {
    return new Map(
      dns.map(each => {
        const name = nameOf(each);
        return [name, this.resolvers.get(name) ?? this.resolverOf(each, name)];
      }),
    );
  }

  private resolverOf(dns: DnsSettings, key: string): Resolver {
    const user: ResolverUser = {
      endpointsFound: endpoints => {
        const areNews = this.found.has(key);
        this.found.set(key, endpoints);
        this.rebuild(areNews);
      },
      lookupFailed: (name, why) => this.events.lookupSettled(this.name, name, why),
      lookupRecovered: name => this.events.lookupSettled(this.name, name, undefined),
    };
    return new Resolver(dns, user, this.lookups);
  }

  /**
   * The endpoints that are configured and those that DNS knows; one that stays keeps its connections and its health.
   * Where DNS has yet to answer for all of them (a reload named others), those of before serve on until it has.
   * @param areNews whether those that weren't there are new, and not only usher is
   */
  private rebuild(areNews: boolean): void {
    const before = new Map(this.endpoints.map(endpoint => [endpoint.label, endpoint]));
    const now = new Map<string, Endpoint>();
    for (const { settings, origin } of this.known()) {
      const label = formatHostPort(settings.host, settings.port);
      if (now.has(label)) continue;
      const known = this.recall(label, before);
      const endpoint = known ?? new Endpoint(settings, origin, this, this.options);
      endpoint.adjust(settings, origin, this.options);
      now.set(label, endpoint);
      if (known === undefined && before.size > 0) this.join(endpoint, areNews);
    }
    if (now.size === 0 && before.size > 0) {
      this.keepAll();
      return;
    }
    this.endpoints = [...now.values()];
    for (const endpoint of before.values()) if (!now.has(endpoint.label)) this.forget(endpoint);
    this.tokens?.swap([...this.forgotten.values(), ...this.endpoints]);
    if (before.size === 0) this.waiting.resume();
  }

  private keepAll(): void {
    for (const endpoint of this.endpoints) {
      if (endpoint.closed) endpoint.reopen(performance.now());
      endpoint.adjust(endpoint.settings, endpoint.origin, this.options);
    }
    this.tokens?.swap([...this.forgotten.values(), ...this.endpoints]);
  }

  private *known(): Generator<{ readonly settings: EndpointSettings; readonly origin: string | undefined }> {
    for (const settings of this.settings.endpoints) yield { settings, origin: undefined };
    for (const dns of this.settings.dns) {
      const origin = nameOf(dns);
      for (const settings of this.found.get(origin) ?? [])
        yield { settings: dns.kind === 'srv' ? settings : { ...settings, weight: dns.weight }, origin };
    }
  }

  /** Others serve already, so that it can be checked first. */
  private join(endpoint: Endpoint, slowly: boolean): void {
    endpoint.health.join(slowly);
    this.check(endpoint, performance.now());
  }

  private forget(endpoint: Endpoint): void {
    endpoint.close(performance.now());
    this.forgotten.set(endpoint.label, endpoint);
    const [oldest] = this.forgotten.keys();
    if (this.forgotten.size > MOST_FORGOTTEN && oldest !== undefined) this.forgotten.delete(oldest);
  }

  /** One that is there, or that was: with its sessions, its leases and whether it drains. */
  private recall(label: string, before: ReadonlyMap<string, Endpoint>): Endpoint | undefined {
    const endpoint = before.get(label) ?? this.forgotten.get(label);
    this.forgotten.delete(label);
    if (endpoint?.closed === true) endpoint.reopen(performance.now());
    return endpoint;
  }

  /** @returns false: there is no such endpoint */
  drainEndpoint(label: string, draining: boolean): boolean {
    const endpoint = this.endpoints.find(endpoint => endpoint.label === label) ?? this.forgotten.get(label);
    if (endpoint !== undefined) endpoint.draining = draining;
    return endpoint !== undefined;
  }

  status(): BackendStatus {
    return {
      name: this.name,
      lookingUp: [...this.resolvers.values()].some(resolver => !resolver.settled),
      endpoints: this.endpoints.map(({ label, origin, health, draining, active, idleCount }) => ({
        address: label,
        origin,
        up: health.up,
        settled: health.up || health.failedChecks >= this.settings.healthCheck.fall,
        draining,
        active,
        idle: idleCount,
      })),
    };
  }

  /** Closes idle connections; leases end by themselves. */
  close(): void {
    this.closed = true;
    for (const resolver of this.resolvers.values()) resolver.stop();
    for (const endpoint of this.endpoints) endpoint.close(performance.now());
    this.waiting.end();
  }
}

function tokensOf({ name, affinity }: BackendSettings): Tokens<Endpoint> | undefined {
  return affinity?.kind === 'cookie' ? new Tokens(name, affinity.secret) : undefined;
}

function optionsOf({ healthCheck, slowStartMs, timeouts, limits }: BackendSettings): EndpointOptions {
  const { rise, fall } = healthCheck;
  return { rise, fall, slowStartMs, idleMs: timeouts.idleMs, maxIdle: limits.idleConnections };
}

/** How a DNS name is called in the configuration, and in metrics. */
function nameOf(dns: DnsSettings): string {
  return dns.kind === 'srv' ? `srv:${dns.name}` : `dns:${formatHostPort(dns.name, dns.port)}`;
}
