/**
 * A running usher from start to stop: binds, tells when it is ready, drains once, and closes.
 *
 *   starting ─► running ─► draining ─► closed
 */

import { formatHostPort, type SocketAddress } from '../address.js';
import { canBeBare } from '../bare-transport.js';
import { BindError } from '../listener/listener.js';
import { createAccessLog } from '../observe/access-log.js';
import { createEventLog } from '../observe/event-log.js';
import { type FannedOut, fanOut } from '../observe/fan-out.js';
import type { Logger } from '../observe/log.js';
import { createMetrics, type Metrics } from '../observe/metrics.js';
import type { Observer } from '../observer.js';
import { UsherProxy } from '../proxy.js';
import type { Settings } from '../settings.js';
import type { ListenerStatus } from '../status.js';
import { version } from '../version.js';
import { type Admin, type Readiness, startAdmin } from './admin.js';
import type { ConfigFile } from './config/file.js';
import { watchOpenFiles } from './open-files.js';
import { ReadinessGate } from './readiness.js';
import { Reloader, type ReloadOutcome } from './reload.js';
import { ConfigWatch } from './watch.js';

export class Lifecycle {
  private readonly metrics: Metrics;
  private readonly proxy: UsherProxy;
  private readonly gate: ReadinessGate;
  private readonly observers: FannedOut;
  private readonly accessLog: Observer;
  private readonly eventLog: Observer;
  private readonly reloader: Reloader;
  private watch: ConfigWatch | undefined;
  private admin: Admin | undefined;
  private drained: Promise<void> | undefined;
  private hurry: () => void = () => {};
  private tellStopped: () => void = () => {};
  /** Resolves when this usher has stopped, whoever asked for it. */
  readonly stopped: Promise<void> = new Promise(resolve => {
    this.tellStopped = resolve;
  });

  private tellDraining: () => void = () => {};
  /** Resolves when this usher begins to stop, whoever asked for it. */
  readonly drainBegun: Promise<void> = new Promise(resolve => {
    this.tellDraining = resolve;
  });

  /** @param file what the settings come from, to be loaded again; left out: from flags */
  constructor(
    private settings: Settings,
    private readonly logger: Logger,
    private readonly file?: ConfigFile,
  ) {
    const status = () => this.proxy.status();
    this.gate = new ReadinessGate(settings.backends);
    this.metrics = createMetrics({ listeners: settings.listeners, backends: settings.backends, status, version });
    this.eventLog = createEventLog({ logger });
    this.accessLog = createAccessLog(logger);
    this.observers = fanOut(this.observersFor(settings), fault => logger.error({ err: fault }, 'an observer failed'));
    this.reloader = this.makeReloader();
    this.proxy = new UsherProxy(settings, this.observers, {
      closed: (count, left) => logger.info({ closed: count, left }, 'WebSockets were closed'),
      acceptFailed: (listener, error) => logger.error({ listener, err: error }, 'a connection could not be accepted'),
      ...watchOpenFiles(logger),
    });
  }

  /** Binds the listeners and the admin port, or nothing. Rejects with `BindError` when an address can't be had. */
  async start(): Promise<void> {
    await this.proxy.start();
    try {
      this.admin = await this.startAdmin();
    } catch (error) {
      await this.proxy.close();
      throw error;
    }
    this.tellStart();
  }

  get listeners(): readonly ListenerStatus[] {
    return this.proxy.status().listeners;
  }

  get openConnections(): number {
    return this.proxy.openConnections;
  }

  get adminAddress(): SocketAddress | undefined {
    return this.admin?.address;
  }

  readiness(): Readiness {
    if (this.drained === undefined) return this.gate.judge(this.proxy.status());
    return this.settings.drain.failReadiness ? { ready: false, why: 'draining' } : true;
  }

  /**
   * Stops accepting and lets what is open end by itself, within `drain.timeout`; then everything is closed. Calling it
   * again gives the same promise.
   */
  drain(why: string): Promise<void> {
    this.tellDraining();
    this.drained ??= this.drainOnce(why);
    return this.drained;
  }

  // ---- reload ----

  /** Loads the file again; what it says counts from then on, or, when it is bad, nothing has changed. Never rejects. */
  reload(why: string): Promise<ReloadOutcome> {
    return this.reloader.reload(why);
  }

  /** Reloads whenever the file changes, until usher stops. */
  watchFile(): void {
    if (this.file === undefined || this.watch !== undefined) return;
    this.watch = new ConfigWatch(this.file, () => this.reload('--watch'), this.logger);
    this.watch.start();
  }

  private makeReloader(): Reloader {
    const { file, logger, metrics } = this;
    return new Reloader(this.settings, {
      load: file === undefined ? undefined : () => file.load(),
      draining: () => this.drained !== undefined,
      adminPort: () => this.admin?.address.port,
      swap: settings => this.swap(settings),
      swapped: settings => this.swapped(settings),
      failed: () => metrics.configReloaded('failed'),
      logger,
    });
  }

  private async swap(settings: Settings): Promise<boolean> {
    const placeOf = ({ name, address, protocol }: ListenerStatus) => `${name} ${address} ${protocol}`;
    const before = new Set(this.listeners.filter(({ leaving }) => leaving !== true).map(placeOf));
    if (!(await this.proxy.swap(settings))) return false;
    for (const each of this.listeners) if (!before.has(placeOf(each))) this.tellListening(each);
    return true;
  }

  private swapped(settings: Settings): void {
    this.settings = settings;
    this.logger.level = settings.log.level;
    this.observers.swap(this.observersFor(settings));
    this.metrics.configReloaded('ok', settings);
  }

  private observersFor({ log }: Settings): readonly Observer[] {
    const { metrics, eventLog, accessLog } = this;
    return [metrics.observer, eventLog, ...(log.access ? [accessLog] : [])];
  }

  // ---- the end ----

  /** Ends at once: what is open is destroyed. */
  async close(): Promise<void> {
    const drained = this.drain('close');
    this.hurry();
    await drained;
  }

  /** Step by step: the balancer is told, new connections end, WebSockets are closed, what is left is destroyed. */
  private async drainOnce(why: string): Promise<void> {
    const { drain } = this.settings;
    const hurried = new Promise<void>(resolve => {
      this.hurry = resolve;
    });
    const within = (ms: number, done?: Promise<void>) =>
      withinTime(ms, done === undefined ? [hurried] : [hurried, done]);
    const { openConnections: connections } = this.proxy;
    const { deregisterDelayMs, closeOverMs, timeoutMs, style } = drain;
    this.logger.info({ why, connections, deregisterDelayMs, closeOverMs, timeoutMs, style }, 'draining');
    this.watch?.stop();
    this.proxy.announceDrain();
    await within(Math.min(deregisterDelayMs, timeoutMs));
    this.proxy.drain();
    this.proxy.closeWebSockets(drain);
    this.logger.info({ connections: this.proxy.openConnections }, 'no new connections are accepted');
    await within(timeoutMs - deregisterDelayMs, this.proxy.empty());
    const left = this.proxy.openConnections;
    await this.proxy.close();
    await this.admin?.close();
    this.logger.info({ destroyed: left }, 'stopped');
    this.tellStopped();
  }

  private async startAdmin(): Promise<Admin | undefined> {
    const { admin } = this.settings;
    if (admin === undefined) return undefined;
    const { listen } = admin;
    return startAdmin({
      listen,
      registry: this.metrics.registry,
      status: () => this.proxy.status(),
      ready: () => this.readiness(),
      version,
      actions: {
        drain: () => void this.drain('POST /drain'),
        reload: () => this.reload('POST /reload'),
        drainEndpoint: (backend, endpoint, draining) => {
          const found = this.proxy.drainEndpoint(backend, endpoint, draining);
          if (found) this.logger.info({ backend, endpoint, draining }, 'an operator changed who gets new sessions');
          return found;
        },
      },
      logger: this.logger,
    }).catch((error: NodeJS.ErrnoException) => {
      throw new BindError(listen, error.code ?? error.message);
    });
  }

  private tellListening({ name, address, protocol, proxyProtocol }: ListenerStatus): void {
    this.logger.info({ listener: name, address, protocol, proxyProtocol }, 'listening');
  }

  private tellStart(): void {
    const { logger } = this;
    for (const listener of this.listeners) this.tellListening(listener);
    const admin = this.admin?.address;
    if (admin !== undefined) logger.info({ address: formatHostPort(admin.address, admin.port) }, 'admin listening');
    logger.info({ version, node: process.version, pid: process.pid }, 'usher is running');
    if (!canBeBare())
      logger.info('this Node shows no TCP handles: all works, and a new connection costs 1.4 times the CPU time');
  }
}

/** Resolves as soon as one of these does, at the latest when the time is over. */
async function withinTime(ms: number, done: readonly Promise<void>[]): Promise<void> {
  if (ms <= 0) return;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([...done, limit]);
  clearTimeout(timer);
}
