/**
 * One request's way to a connection: the endpoint that is chosen for it, another one when that can't be reached, and a
 * wait when none can, because an application that restarts is back in a moment.
 */
import { performance } from 'node:perf_hooks';
import type { Code } from '../codes.js';
import type { Ask, Lease, LeaseUser } from '../lease.js';
import type { BackendConnection, Endpoint, IdleUser } from './endpoint.js';

/** How many other endpoints a request is tried on, when dials fail. */
const MAX_MOVES = 2;

/** What an attempt needs of its backend. */
export interface AttemptHost {
  /** @param tried endpoints that this request could not reach */
  choose(ask: Ask, tried: ReadonlySet<Endpoint>): Choice;
  /** An idle connection goes out. */
  lend(connection: BackendConnection, endpoint: Endpoint, ask: Ask): Lease;
  dialFor(endpoint: Endpoint, ask: Ask, done: (result: Lease | FailedDial) => void): void;
  /** Whether one more dial of a request that failed is within the budget of the backend. */
  mayMove(): boolean;
  /** Keeps the attempt until an endpoint is back, or for `holdFor`. @returns false: it doesn't */
  hold(attempt: Attempt): boolean;
}

export type Choice =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint }
  /** Every endpoint was tried, or there is none. */
  | { readonly kind: 'none' }
  /** The session lives on an endpoint that can't be reached any more. */
  | { readonly kind: 'lost'; readonly endpoint: Endpoint };

export interface FailedDial {
  readonly code: Code;
  /** This machine could not dial at all, which says nothing of the endpoint. */
  readonly isOurs: boolean;
}

const NOBODY: ReadonlySet<Endpoint> = new Set();

export class Attempt implements IdleUser {
  private tried = NOBODY;
  private endpoint: Endpoint | undefined;
  private scouts = false;
  private code: Code = 'backend-empty';
  private label = 'none';

  constructor(
    private readonly host: AttemptHost,
    private readonly ask: Ask,
    private readonly fresh: boolean,
    private readonly user: LeaseUser,
    private beganAt?: number,
  ) {}

  /** `performance.now()` when it first had to wait for anything. */
  get startedAt(): number {
    this.beganAt ??= performance.now();
    return this.beganAt;
  }

  /** Whether anybody still waits for it. */
  get wanted(): boolean {
    return this.user.waiting;
  }

  /**
   * Begins, or begins anew after a wait.
   * @param scouts whether it looks on behalf of all who wait; one is no burden, so its moves are free
   */
  start(scouts = false): void {
    this.scouts = scouts;
    this.tried = NOBODY;
    this.follow(this.host.choose(this.ask, this.tried));
  }

  /** Its wait is over. */
  giveUp(): void {
    this.user.onLeaseFailed(this.code, this.label);
  }

  private follow(choice: Choice): void {
    if (choice.kind === 'endpoint') this.use(choice.endpoint);
    else if (choice.kind === 'lost') this.user.onLeaseFailed('session-lost', choice.endpoint.label);
    else this.wait();
  }

  private wait(): void {
    if (!this.host.hold(this)) this.giveUp();
  }

  private use(endpoint: Endpoint): void {
    this.endpoint = endpoint;
    if (this.fresh || !endpoint.askIdle(this)) this.dial(endpoint);
  }

  onIdle(connection: BackendConnection | undefined): void {
    const { endpoint } = this;
    if (endpoint === undefined || !this.wanted) return;
    if (connection === undefined) this.dial(endpoint);
    else this.user.onLease(this.host.lend(connection, endpoint, this.ask));
  }

  private dial(endpoint: Endpoint): void {
    this.beganAt ??= performance.now();
    this.host.dialFor(endpoint, this.ask, result => {
      if ('wire' in result) this.user.onLease(result);
      else this.failed(endpoint, result);
    });
  }

  private failed(endpoint: Endpoint, { code, isOurs }: FailedDial): void {
    this.tried = new Set([...this.tried, endpoint]);
    this.code = code;
    this.label = endpoint.label;
    const choice = this.host.choose(this.ask, this.tried);
    // Only another dial counts: that a session is lost is told to every one of its clients, however many they are.
    const isMove = choice.kind === 'endpoint';
    if (isMove && !this.mayMove()) this.wait();
    else if (isOurs && choice.kind === 'lost') this.giveUp();
    else this.follow(choice);
  }

  private mayMove(): boolean {
    return this.tried.size <= MAX_MOVES && (this.scouts || this.host.mayMove());
  }
}
