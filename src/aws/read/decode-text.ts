/** From a file's bytes to its text. */

/** A larger file is not parsed. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

export type Decoded =
  | { readonly text: string; readonly problem?: undefined }
  | { readonly text?: undefined; readonly problem: string };

/** UTF-8, or UTF-16 with a byte order mark, which PowerShell's `>` writes. The mark is not part of the text. */
export function decodeText(bytes: Uint8Array): Decoded {
  if (bytes.length > MAX_FILE_BYTES) {
    return { problem: `has ${bytes.length} bytes, more than ${MAX_FILE_BYTES}, and was not read` };
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return { problem: 'is compressed with gzip: unpack it first' };
  const encoding = encodingOf(bytes);
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (text.includes('\0')) return { problem: NUL };
    return text.trim() === '' ? { problem: EMPTY } : { text };
  } catch {
    return { problem: `is not text in ${encoding.toUpperCase()}: write it again with --output json` };
  }
}

const EMPTY = 'is empty: look at what the command printed on standard error';

const NUL = 'holds NUL characters, as UTF-16 without a byte order mark and binary files do: write it again in UTF-8';

function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return 'utf-8';
}
