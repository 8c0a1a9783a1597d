/**
 * A TCP connection below its wire, in one of two manners: `bare-transport.ts` speaks to Node's handle, `plain-transport.ts`
 * to a `net.Socket` wherever there is no such handle.
 */

/** An end of a connection, as the system writes it: `::ffff:10.0.0.1`, `fe80::1%eth0`. */
export interface TransportEnd {
  readonly address: string;
  readonly port: number;
}

/** Whom a transport tells; `Wire` is the only one. None of these throws. */
export interface TransportUser {
  /** Borrowed: what is kept is copied; what is written through the outbox need not be. */
  tookBytes(bytes: Buffer): void;
  /** The far side will send nothing more (FIN). */
  tookEnd(): void;
  /** All that had waited has been taken. */
  drained(): void;
  /** A write failed. @returns whether the transport should live on until it has been read to its end */
  writeFailed(error: Error): boolean;
  /** It is gone; called once, the last call, and never inside a call of its user. */
  closed(error: Error | undefined): void;
}

/** Closes itself when both sides have ended. */
export interface Transport {
  /** It was closed from here, or has failed. */
  readonly destroyed: boolean;
  /** Whether anything waits that the system has not taken. */
  readonly queued: boolean;
  /** Whether whoever writes should stop until `drained`. */
  readonly congested: boolean;
  /** How many bytes the system has taken; 0 for one that is gone. */
  readonly taken: number;
  /** Whether the far side has sent FIN and the user was told. */
  readonly ended: boolean;
  /** Whether both directions are open. */
  readonly usable: boolean;
  /** Undefined when it is gone. */
  readonly remote: TransportEnd | undefined;
  readonly local: TransportEnd | undefined;
  /** From now on it is read, and tells `user`. Called once, in the tick in which it was accepted or connected. */
  serve(user: TransportUser): void;
  /** The bytes must stay as they are while {@link queued}. */
  write(bytes: Buffer): void;
  /** The transfer that its user was in the middle of has ended: what comes next is small, or will be copied. */
  transferOver(): void;
  pause(): void;
  resume(): void;
  /** Sends FIN behind what waits; reading goes on. */
  end(): void;
  /** Closes both directions behind what waits. */
  closeSoon(): void;
  /** Closes at once. */
  destroy(error?: Error): void;
  /** Closes at once, with RST. */
  reset(): void;
}

/** TCP keep-alive finds a peer that vanished without FIN; 60 s is below the idle limits of both balancers. */
export const KEEP_ALIVE_DELAY_MS = 60_000;

/** Transports that we connect, of the whole process: they take descriptors as accepted ones do. */
export const outgoing = {
  /** Connecting, lent or idle. */
  open: 0,
  /** How often the system had no descriptor for one. */
  starved: 0,
};

const STARVED: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE']);

/** Whether an error says that no descriptor was left, to this process or to the machine. */
export function isStarved(error: Error | undefined): boolean {
  return STARVED.has((error as NodeJS.ErrnoException | undefined)?.code);
}

/** A transport that we connected is gone. */
export function leftOutgoing(error: Error | undefined): void {
  outgoing.open -= 1;
  if (isStarved(error)) outgoing.starved += 1;
}
