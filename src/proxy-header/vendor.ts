/**
 * TLVs of the clouds. Each reader takes a value and gives undefined where it has not the form that the cloud documents.
 */
import { Buffer } from 'node:buffer';

const AWS_VPC_ENDPOINT = 0x01;
const VPC_ENDPOINT_ID = /^[A-Za-z0-9-]+$/;
const AZURE_LINK_ID = 0x01;
const AZURE_BYTES = 5;
const GCP_BYTES = 8;

/** AWS 0xEA: a subtype and the id of the VPC endpoint that the client came through, `vpce-08d2bf15fac5001c9`. */
export function readVpceId(value: Uint8Array): string | undefined {
  const id = Buffer.from(value.subarray(1)).toString('latin1');
  return value[0] === AWS_VPC_ENDPOINT && VPC_ENDPOINT_ID.test(id) ? id : undefined;
}

/** GCP 0xE0: the Private Service Connect connection id, 64 bits big endian, as decimal text: too big for a number. */
export function readPscConnectionId(value: Uint8Array): string | undefined {
  if (value.length !== GCP_BYTES) return undefined;
  return new DataView(value.buffer, value.byteOffset).getBigUint64(0).toString();
}

/** Azure 0xEE: a subtype and the id of the Private Link, 32 bits little endian. */
export function readLinkId(value: Uint8Array): number | undefined {
  if (value.length !== AZURE_BYTES || value[0] !== AZURE_LINK_ID) return undefined;
  return new DataView(value.buffer, value.byteOffset).getUint32(1, true);
}
