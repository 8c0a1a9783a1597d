/** Frames that usher itself sends to a client: unmasked, as a server's are (RFC 6455 5.1). */

const FIN_TEXT = 0x81;
const FIN_CLOSE = 0x88;
/** Payload of a control frame at most (RFC 6455 5.5), less the code. */
export const MAX_REASON_BYTES = 123;

/**
 * A Close frame.
 * @param code of RFC 6455 7.4 or its registry, such as 1012 (service restart)
 * @param reason at most {@link MAX_REASON_BYTES} as UTF-8
 */
export function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason);
  const frame = Buffer.alloc(4 + text.length);
  frame[0] = FIN_CLOSE;
  frame[1] = 2 + text.length;
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}

/** Engine.IO's own goodbye, the packet `1`, in a text frame: to be sent in front of the Close frame. */
export const ENGINE_IO_CLOSE = Buffer.from([FIN_TEXT, 1, 0x31]);
