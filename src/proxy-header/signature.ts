/**
 * The first bytes of both versions (PP 2.1, PP 2.2). They differ in byte 0.
 */

/** `PROXY` and the space behind it. */
export const V1_SIGNATURE: Uint8Array = Uint8Array.from([0x50, 0x52, 0x4f, 0x58, 0x59, 0x20]);

/** CR LF CR LF NUL CR LF `QUIT` LF. */
export const V2_SIGNATURE: Uint8Array = Uint8Array.from([
  0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
]);

/** Whether `bytes` begin with `signature`, or are the beginning of it. */
export function agrees(bytes: Uint8Array, signature: Uint8Array): boolean {
  const length = Math.min(bytes.length, signature.length);
  for (let index = 0; index < length; index += 1) {
    if (bytes[index] !== signature[index]) return false;
  }
  return true;
}
