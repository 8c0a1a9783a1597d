/** Heads as usher writes them, as one text: what a wire would be given, piece by piece. */
import type { HeadSink } from '../../src/http/head-writer.js';
import type { RequestHead } from '../../src/http/request-head.js';
import type { ResponseHead } from '../../src/http/response-head.js';
import {
  type ForwardedFields,
  type ResponseForm,
  writeInterimHead,
  writeRequestHead,
  writeResponseHead,
  writeTunnelHead,
} from '../../src/http/write-head.js';

/** A head as it was read, and the bytes that it was read from. */
export interface ReadResponse {
  readonly head: ResponseHead;
  readonly bytes: Buffer;
}

function written(write: (sink: HeadSink) => number): string {
  let text = '';
  const count = write({
    write: piece => {
      text += piece;
    },
    writePart: (source, from, to) => {
      text += typeof source === 'string' ? source.slice(from, to) : source.toString('latin1', from, to);
    },
  });
  if (count !== text.length) throw new Error(`${count} bytes are told of ${text.length}`);
  return text;
}

export function requestHeadText(head: RequestHead, forwarded: ForwardedFields, fallbackHost: string): string {
  return written(sink => writeRequestHead(sink, head, forwarded, fallbackHost));
}

export function responseHeadText({ head, bytes }: ReadResponse, form: ResponseForm): string {
  return written(sink => writeResponseHead(sink, head, bytes, form));
}

export function interimHeadText({ head, bytes }: ReadResponse): string {
  return written(sink => writeInterimHead(sink, head, bytes));
}

export function tunnelHeadText({ head, bytes }: ReadResponse, cookie: string): string {
  return written(sink => writeTunnelHead(sink, head, bytes, cookie));
}
