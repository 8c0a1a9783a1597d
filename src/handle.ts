/**
 * The handle beneath a socket, asked directly for the two things that happen for every message: to be told of bytes,
 * and to write some. Node's streams would do nothing more with them here, and cost 0.7 µs a read and 0.5 µs a write, a
 * seventh of a WebSocket echo. Everything else (end, error, pause, close, writes that the system does not take at once)
 * goes through the socket as ever. Where a release of Node has no such handle, `directHandle` says so, and the socket's
 * own way stays.
 */
import type { Socket } from 'node:net';

/** For tests of the socket's own way. */
export const direct = { off: false };

/** What Node's TCP handles have had since Node 12, as far as it is used here. */
export interface DirectHandle {
  /** Since it was made; grows before `onread` is called. */
  readonly bytesRead: number;
  /** Since it was made, what waits in it included. */
  readonly bytesWritten: number;
  /** Bytes that wait in it. */
  readonly writeQueueSize: number;
  /** Called for bytes, the end and errors. A buffer that it returns is what is read into next. */
  onread: OnRead;
  /**
   * @param request what is told of a write that isn't done at once; null: one is made when it is needed (Node 26)
   * @returns 0; or the system's error, nothing was written then; or the request that was made
   */
  writeBuffer(request: WriteRequest | null, bytes: Buffer): number | WriteRequest;
}

/** How many bytes of what was written on a socket the system has taken; 0 for one that is gone. */
export function takenOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: Partial<DirectHandle> | null };
  return (handle?.bytesWritten ?? 0) - (handle?.writeQueueSize ?? 0);
}

/** What Node hands over beside the call itself, here nothing of use. */
type OnRead = (this: unknown, bytes: unknown) => unknown;

/**
 * Node's record of one write. One for each write, although most are done at once and leave it unused (70 ns): a write that
 * the system takes in two steps is under way until the next turn with nothing queued, and a request that is used again
 * meanwhile ends the process by an assertion of Node's.
 */
interface WriteRequest {
  oncomplete?: (status: number) => void;
  /** Kept in memory until the write is done. */
  buffer?: Buffer;
  user?: DirectUser;
}

/** The handle of a connected socket, when it is one that can be asked. */
export function directHandle(socket: Socket): DirectHandle | undefined {
  const { _handle: handle } = socket as unknown as { _handle?: Partial<DirectHandle> | null };
  if (direct.off || !handle || typeof handle.onread !== 'function' || typeof handle.writeBuffer !== 'function') {
    return undefined;
  }
  return typeof handle.bytesRead === 'number' && typeof handle.writeQueueSize === 'number'
    ? (handle as DirectHandle)
    : undefined;
}

/** Who uses a handle directly. Methods and not functions: ten thousand sockets must not have two closures each. */
export interface DirectUser {
  /** The handle's own count, when it was asked last. */
  seen: number;
  /** So many bytes lie at the beginning of the buffer. @returns what to read into next; undefined: no change */
  takeCount(count: number): Buffer | undefined;
  /** What was written and not taken at once is done: 0, or the system's error. */
  sent(status: number): void;
}

const kUser = Symbol('user');

interface UsedHandle extends DirectHandle {
  [kUser]: DirectUser;
}

/** What Node calls for bytes, the end and errors: one function for all sockets. */
let plainOnRead: OnRead = () => undefined;

/** From now on bytes are told to `user` and not to the stream; the end and errors go to the stream as before. */
export function readDirectly(handle: DirectHandle, user: DirectUser): void {
  plainOnRead = handle.onread;
  user.seen = handle.bytesRead;
  (handle as UsedHandle)[kUser] = user;
  handle.onread = onRead;
}

function onRead(this: unknown, bytes: unknown): unknown {
  const handle = this as UsedHandle;
  const user = handle[kUser];
  const { bytesRead } = handle;
  const count = bytesRead - user.seen;
  if (count === 0) return plainOnRead.call(this, bytes);
  user.seen = bytesRead;
  return user.takeCount(count);
}

/**
 * How the stream of a socket asks its handle to write, which only its first write can show: with a request of a class that
 * has no public name, or, since Node 26, with none.
 */
type Manner = 'unknown' | 'without a request' | (new () => WriteRequest);
let manner: Manner = 'unknown';

/** Watches the next write of the stream above it, when it is the first. */
export function learnToWrite(handle: DirectHandle): void {
  if (manner !== 'unknown') return;
  const own = handle as { writeBuffer?: DirectHandle['writeBuffer'] };
  own.writeBuffer = (request, bytes) => {
    delete own.writeBuffer;
    manner = request === null ? 'without a request' : (request.constructor as new () => WriteRequest);
    return handle.writeBuffer(request, bytes);
  };
}

/**
 * Writes below the stream, which must have nothing queued.
 * @param user told when the bytes are sent that were not taken at once
 * @returns `taken`; `queued`: the bytes must stay as they are until then; `untouched`: the stream has to do it
 */
export function writeDirectly(handle: DirectHandle, bytes: Buffer, user: DirectUser): 'taken' | 'queued' | 'untouched' {
  if (manner === 'unknown') return 'untouched';
  const request = manner === 'without a request' ? null : new manner();
  const answer = handle.writeBuffer(request, bytes);
  if (typeof answer === 'number' && answer !== 0) return 'untouched';
  const pending = typeof answer === 'number' ? request : answer;
  // What was taken in two steps is gone, too.
  if (pending === null || handle.writeQueueSize === 0) return 'taken';
  pending.buffer = bytes;
  pending.user = user;
  pending.oncomplete = onComplete;
  return 'queued';
}

function onComplete(this: WriteRequest, status: number): void {
  this.user?.sent(status);
}
