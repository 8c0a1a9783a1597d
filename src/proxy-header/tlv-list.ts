/**
 * Lists of TLVs: one byte type, two bytes length, the value; end to end from `start` to exactly `end` (PP 2.2).
 */
import type { Tlv } from './header.js';
import { tlvTypes } from './tlv-types.js';

/** Type and length. */
export const TLV_HEAD_BYTES = 3;
export const CRC32C_BYTES = 4;

/** Answers of {@link checksumAt} that are no offset. */
export const NO_CHECKSUM = 0;
export const BROKEN_LIST = -1;

/**
 * False once the list can no longer end at `end`, which TLV heads alone show. The view may end sooner: then the
 * answer is about the heads that are there.
 */
export function tlvsFit(view: DataView, start: number, end: number): boolean {
  let offset = start;
  while (fits(end - offset)) {
    if (offset + TLV_HEAD_BYTES > Math.min(end, view.byteLength)) return true;
    offset = endOf(view, offset);
  }
  return false;
}

function fits(left: number): boolean {
  return left === 0 || left >= TLV_HEAD_BYTES;
}

function endOf(view: DataView, offset: number): number {
  return offset + TLV_HEAD_BYTES + view.getUint16(offset + 1);
}

/**
 * The offset of the CRC32C value, as far as the view goes; {@link NO_CHECKSUM} without one; {@link BROKEN_LIST} where
 * the list does not fit, has two of them, or one that is not four bytes long.
 */
export function checksumAt(view: DataView, start: number, end: number): number {
  if (!tlvsFit(view, start, end)) return BROKEN_LIST;
  const lastHead = Math.min(end, view.byteLength) - TLV_HEAD_BYTES;
  let found = NO_CHECKSUM;
  for (let offset = start; offset <= lastHead; offset = endOf(view, offset)) {
    if (view.getUint8(offset) !== tlvTypes.CRC32C) continue;
    if (found !== NO_CHECKSUM || view.getUint16(offset + 1) !== CRC32C_BYTES) return BROKEN_LIST;
    found = offset + TLV_HEAD_BYTES;
  }
  return found;
}

/** The TLVs of a whole list that fits; the values are copies. */
export function copyTlvs(view: DataView, start: number, end: number): Tlv[] {
  const copy = new Uint8Array(new Uint8Array(view.buffer, view.byteOffset + start, end - start));
  const tlvs: Tlv[] = [];
  for (let offset = start; offset < end; offset = endOf(view, offset)) {
    const value = copy.subarray(offset + TLV_HEAD_BYTES - start, endOf(view, offset) - start);
    tlvs.push({ type: view.getUint8(offset), value });
  }
  return tlvs;
}
