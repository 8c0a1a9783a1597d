/**
 * CRC-32C (Castagnoli) as PP 2.2.3 wants it: polynomial 0x1EDC6F41, reflected, begun and ended with all bits set.
 */

const REFLECTED_POLYNOMIAL = 0x82f63b78;
const ALL_BITS = -1;
const ZEROS = new DataView(new ArrayBuffer(4));

/** The remainder of each byte value, four bytes each. A view, not an array: its reads are always numbers. */
const table = makeTable();

function makeTable(): DataView {
  const view = new DataView(new ArrayBuffer(4 * 256));
  for (let byte = 0; byte < 256; byte += 1) view.setUint32(4 * byte, remainderOf(byte));
  return view;
}

function remainderOf(byte: number): number {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ REFLECTED_POLYNOMIAL : rest >>> 1;
  return rest >>> 0;
}

function update(crc: number, view: DataView, start: number, end: number): number {
  let rest = crc;
  for (let offset = start; offset < end; offset += 1) {
    rest = (rest >>> 8) ^ table.getInt32(4 * ((rest ^ view.getUint8(offset)) & 0xff));
  }
  return rest;
}

/** The checksum of the bytes from the first of `view` to before `end`, an unsigned 32-bit number. */
export function crc32c(view: DataView, end: number = view.byteLength): number {
  return (update(ALL_BITS, view, 0, end) ^ ALL_BITS) >>> 0;
}

/** The same as if the four bytes at `offset` were zero: how a header that carries its checksum is summed (PP 2.2.3). */
export function crc32cWithout(view: DataView, offset: number, end: number = view.byteLength): number {
  const before = update(ALL_BITS, view, 0, offset);
  const zeroed = update(before, ZEROS, 0, ZEROS.byteLength);
  return (update(zeroed, view, offset + ZEROS.byteLength, end) ^ ALL_BITS) >>> 0;
}
