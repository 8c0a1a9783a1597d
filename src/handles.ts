/**
 * What lies below Node's sockets: a handle for each connection, and requests for what a handle does in its own time. Node
 * has no documented name for them, but has shown them by `process.binding` and kept their shape since version 12. Where a
 * release lacks a part (or the permission model hides all), `handles` is undefined and sockets do the work.
 */
import { getSystemErrorName } from 'node:util';

/** What the system says of an end of a connection. */
export interface HandleEnd {
  address: string;
  family: string;
  port: number;
}

/** A TCP connection. Where a call answers a number, it is 0, or the system's error below zero. */
export interface TcpHandle {
  /** Called for bytes, the end and errors: `Handles.state` says which. A buffer that it returns is what is read into next. */
  onread: (this: TcpHandle) => Buffer | undefined;
  /** Since it was made, what waits in it included. */
  readonly bytesWritten: number;
  /** Bytes that wait in it. */
  readonly writeQueueSize: number;
  useUserBuffer(buffer: Buffer): void;
  readStart(): number;
  readStop(): number;
  /** `request` is used only where the system has not taken all at once; see {@link Handles.writeWaitsAt}. */
  writeBuffer(request: WriteRequest, bytes: Buffer): number;
  /** @returns 1: done at once */
  shutdown(request: Request): number;
  /** The system closes it within the call. */
  close(): void;
  /** The same, with RST. */
  reset(): number;
  getpeername(end: HandleEnd): number;
  getsockname(end: HandleEnd): number;
  setNoDelay(on: boolean): number;
  setKeepAlive(on: boolean, seconds: number): number;
  connect(request: Request, address: string, port: number): number;
  connect6(request: Request, address: string, port: number): number;
}

/** Told when what it stands for is done: 0, or the system's error. */
export interface Request {
  oncomplete: (this: this, status: number) => void;
}

export interface WriteRequest extends Request {
  /** Kept in memory until the write is done. */
  bytes?: Buffer;
}

/** What accepts connections. Answers are as those of {@link TcpHandle}. */
export interface AcceptingHandle {
  bind(address: string, port: number): number;
  bind6(address: string, port: number, flags: number): number;
  listen(backlog: number): number;
  getsockname(end: HandleEnd): number;
  close(): void;
}

interface TcpBinding {
  readonly TCP: new (type: number) => TcpHandle & AcceptingHandle;
  readonly TCPConnectWrap: new () => Request;
  readonly constants: { readonly SOCKET: number; readonly SERVER: number };
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly ShutdownWrap: new () => Request;
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

export interface Handles {
  newHandle(): TcpHandle;
  newAccepting(): AcceptingHandle;
  newConnect(): Request;
  newWrite(): WriteRequest;
  newShutdown(): Request;
  /** What Node tells beside a call; one for the process. */
  readonly state: Int32Array;
  /** Where, in `onread`: so many bytes came; 0: none yet; below zero: the end ({@link END}) or the system's error. */
  readonly readCountAt: number;
  /** Where, behind `writeBuffer`: not 0 when its request is in use until `oncomplete`. */
  readonly writeWaitsAt: number;
}

/** As Node makes it for a call of its own. */
export function systemError(status: number, syscall: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`${syscall} ${code}`), { errno: status, code, syscall });
}

/** libuv's UV_EOF. */
export const END = -4095;

const METHODS: readonly (keyof TcpHandle | keyof AcceptingHandle)[] = [
  'bind',
  'bind6',
  'listen',
  'useUserBuffer',
  'readStart',
  'readStop',
  'writeBuffer',
  'shutdown',
  'close',
  'reset',
  'getpeername',
  'getsockname',
  'setNoDelay',
  'setKeepAlive',
  'connect',
  'connect6',
];

/** @param binding Node's `process.binding`. @returns undefined: a part is missing */
export function findHandles(binding: unknown): Handles | undefined {
  if (typeof binding !== 'function') return undefined;
  try {
    const tcp = binding.call(process, 'tcp_wrap') as TcpBinding;
    const stream = binding.call(process, 'stream_wrap') as StreamBinding;
    const { prototype } = tcp.TCP;
    const complete =
      METHODS.every(name => typeof prototype[name] === 'function') &&
      ['onread', 'bytesWritten', 'writeQueueSize'].every(name => name in prototype) &&
      [tcp.TCPConnectWrap, stream.WriteWrap, stream.ShutdownWrap].every(made => typeof made === 'function') &&
      [tcp.constants.SOCKET, tcp.constants.SERVER, stream.kReadBytesOrError, stream.kLastWriteWasAsync].every(
        Number.isInteger,
      ) &&
      stream.streamBaseState instanceof Int32Array;
    if (!complete) return undefined;
    return {
      newHandle: () => new tcp.TCP(tcp.constants.SOCKET),
      newAccepting: () => new tcp.TCP(tcp.constants.SERVER),
      newConnect: () => new tcp.TCPConnectWrap(),
      newWrite: () => new stream.WriteWrap(),
      newShutdown: () => new stream.ShutdownWrap(),
      state: stream.streamBaseState,
      readCountAt: stream.kReadBytesOrError,
      writeWaitsAt: stream.kLastWriteWasAsync,
    };
  } catch {
    return undefined;
  }
}

const { binding } = process as unknown as { binding?: unknown };

/** What this Node shows of them. (`--pending-deprecation` warns of it, and `--throw-deprecation` would end the process.) */
export const handles = process.throwDeprecation === true ? undefined : findHandles(binding);
