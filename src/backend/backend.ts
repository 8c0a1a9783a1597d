/** A backend: picks an endpoint for a client, lends an idle connection or dials one, and knows who is up. */
import type { Socket } from 'node:net';
import type { Code } from '../codes.js';
import type { LeaseSource, LeaseUser } from '../lease.js';
import type { BackendSettings } from '../settings.js';
import type { BackendStatus } from '../status.js';
import type { Timed } from '../timed.js';
import { DEAF, Wire } from '../wire.js';
import { dial } from './dial.js';
import { BackendConnection, Endpoint } from './endpoint.js';
import { candidates, pickByHash, pickInTurn, pickLeastActive } from './pick.js';

/** What a backend tells; the corridor passes it on to the observer. */
export interface BackendEvents {
  dialEnded(backend: string, endpoint: string, durationMs: number, code: Code | undefined): void;
  endpointChanged(backend: string, endpoint: string, up: boolean, why?: string): void;
}

export class Backend implements LeaseSource, Timed {
  readonly name: string;
  deadlineAt = 0;
  private readonly endpoints: readonly Endpoint[];
  private turn = 0;
  private checkAt = 0;
  private checking = 0;
  private closed = false;

  constructor(
    private readonly settings: BackendSettings,
    private readonly events: BackendEvents,
  ) {
    this.name = settings.name;
    const { timeouts, limits } = settings;
    this.endpoints = settings.endpoints.map(
      endpoint => new Endpoint(endpoint, timeouts.idleMs, limits.idleConnections),
    );
  }

  lease(client: string, fresh: boolean, user: LeaseUser): void {
    const endpoint = this.pick(client);
    const idle = fresh ? undefined : endpoint.takeIdle(performance.now());
    if (idle !== undefined) user.onLease(idle.lend());
    else this.dialFor(endpoint, user);
  }

  status(): BackendStatus {
    return {
      name: this.name,
      endpoints: this.endpoints.map(endpoint => ({
        address: endpoint.label,
        up: endpoint.up && endpoint.tried,
        active: endpoint.active,
        idle: endpoint.idleCount,
      })),
    };
  }

  /** Called by every sweep: retires aged connections and checks the endpoints when it is time. */
  onDeadline(now: number): void {
    for (const endpoint of this.endpoints) endpoint.retireIdle(now);
    if (now >= this.checkAt && this.checking === 0) this.check(now);
  }

  /** Tries every endpoint's port once, so that readiness and `usher_endpoint_up` don't wait for a client. */
  check(now: number): void {
    this.checkAt = now + this.settings.checkIntervalMs;
    for (const endpoint of this.endpoints) {
      this.checking += 1;
      dial(endpoint.settings, this.settings.timeouts.connectMs, {
        onConnected: socket => {
          this.checking -= 1;
          socket.on('error', () => {});
          socket.destroy();
          this.settle(endpoint, true);
        },
        onFailed: (_code, why) => {
          this.checking -= 1;
          this.settle(endpoint, false, why);
        },
      });
    }
  }

  /** Closes idle connections; leases end by themselves. */
  close(): void {
    this.closed = true;
    this.checkAt = Number.POSITIVE_INFINITY;
    for (const endpoint of this.endpoints) {
      endpoint.closed = true;
      endpoint.retireIdle(Number.POSITIVE_INFINITY);
    }
  }

  private pick(client: string): Endpoint {
    const choice = candidates(this.endpoints);
    const { balance } = this.settings;
    this.turn += 1;
    const picked =
      balance === 'hash'
        ? pickByHash(choice, client)
        : balance === 'least-connections'
          ? pickLeastActive(choice, this.turn)
          : pickInTurn(choice, this.turn);
    if (picked === undefined) throw new Error(`backend ${this.name} has no endpoint`);
    return picked;
  }

  private dialFor(endpoint: Endpoint, user: LeaseUser): void {
    const startedAt = performance.now();
    dial(endpoint.settings, this.settings.timeouts.connectMs, {
      onConnected: socket => {
        this.settle(endpoint, true);
        this.events.dialEnded(this.name, endpoint.label, performance.now() - startedAt, undefined);
        user.onLease(this.connection(endpoint, socket).lend());
      },
      onFailed: (code, why) => {
        this.settle(endpoint, false, why);
        this.events.dialEnded(this.name, endpoint.label, performance.now() - startedAt, code);
        user.onLeaseFailed(code, endpoint.label);
      },
    });
  }

  private connection(endpoint: Endpoint, socket: Socket): BackendConnection {
    return new BackendConnection(endpoint, new Wire(socket, DEAF));
  }

  private settle(endpoint: Endpoint, up: boolean, why?: string): void {
    const changed = endpoint.up !== up || !endpoint.tried;
    endpoint.up = up;
    endpoint.tried = true;
    if (changed && !this.closed) this.events.endpointChanged(this.name, endpoint.label, up, why);
  }
}
