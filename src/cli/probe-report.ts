/**
 * What a probe found, for a person, for a script, and as an exit code. Pure.
 */
import { formatHostPort, type SocketAddress } from '../address.js';
import { decodeProxyHeader } from '../proxy-header/decode.js';
import { describeHeader } from '../proxy-header/describe.js';
import type { ProxyHeader } from '../proxy-header/header.js';
import { printable, printableJson, printableLine } from './printable.js';
import type { Answer, Exchange } from './probe-exchange.js';
import type { ProbePlan } from './probe-options.js';

/** Everything that happened, in milliseconds since the dial began. */
export interface Finding {
  /** Undefined: no connection came about. */
  readonly connection:
    | { readonly local: SocketAddress; readonly dialled: SocketAddress; readonly ms: number }
    | undefined;
  /** The PROXY header as it was to be sent. */
  readonly header: Uint8Array;
  readonly exchange: Exchange;
  readonly answeredMs: number | undefined;
  readonly totalMs: number;
  /** Whether the time for everything was over first. */
  readonly timedOut: boolean;
  /** What the socket itself reported. */
  readonly socketError: NodeJS.ErrnoException | undefined;
}

export interface Verdict {
  readonly exitCode: 0 | 1 | 69;
  /** For stderr; undefined where there is nothing to explain. */
  readonly sentence: string | undefined;
}

/** Whether an answer came, and if not, what that most likely means. */
export function judge(plan: ProbePlan, finding: Finding): Verdict {
  if (finding.connection === undefined) {
    return { exitCode: 69, sentence: whyNoConnection(plan, finding) };
  }
  const { answer, conversation } = finding.exchange;
  if (conversation !== undefined) {
    return judgeConversation(plan, conversation, finding);
  }
  if (answer !== undefined) {
    return judgeAnswer(plan, answer);
  }
  return { exitCode: 1, sentence: whyNoAnswer(plan, finding) };
}

function judgeConversation(
  plan: ProbePlan,
  { echoed, closeCode, messages }: NonNullable<Exchange['conversation']>,
  { timedOut }: Finding,
): Verdict {
  if (echoed) {
    return { exitCode: 0, sentence: undefined };
  }
  const ending = timedOut
    ? `nothing that holds the sent text came back within ${seconds(plan.timeoutMs)}`
    : closeCode === undefined
      ? `none of the first ${messages.length} messages holds the sent text`
      : `the WebSocket was closed with ${closeCode} before the sent text came back`;
  return { exitCode: 1, sentence: `the upgrade worked, but ${ending}` };
}

function judgeAnswer(plan: ProbePlan, { status }: Answer): Verdict {
  if (plan.header.kind === 'nlb-health') {
    const healthy = status >= 200 && status < 400;
    return {
      exitCode: healthy ? 0 : 1,
      sentence: healthy ? undefined : `a Network Load Balancer takes ${status} for unhealthy, it wants 200 to 399`,
    };
  }
  if (status >= 500) {
    return { exitCode: 1, sentence: `the answer is ${status}: if usher gave it, the \`code\` in its log says why` };
  }
  if (plan.message !== undefined) {
    return { exitCode: 1, sentence: `no WebSocket: the upgrade was answered with ${status}` };
  }
  if (status === 400 && plan.header.kind !== 'none') {
    const sentence = 'a server that expects no PROXY header answers one with 400: is proxyProtocol off there?';
    return { exitCode: 0, sentence };
  }
  return { exitCode: 0, sentence: undefined };
}

function whyNoConnection({ target, timeoutMs }: ProbePlan, { timedOut, socketError }: Finding): string {
  const where = formatHostPort(target.host, target.port);
  const code = socketError?.code;
  if (timedOut) {
    return `no connection to ${where} within ${seconds(timeoutMs)}: is something between that drops packets?`;
  }
  if (code === 'ECONNREFUSED') {
    return `nothing listens on ${where}: is usher running?`;
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `the name ${target.host} has no address (${code})`;
  }
  return `no connection to ${where} (${code ?? 'it was closed at once'})`;
}

function whyNoAnswer(plan: ProbePlan, { timedOut, exchange }: Finding): string {
  const where = formatHostPort(plan.target.host, plan.target.port);
  const code = (exchange.error as NodeJS.ErrnoException | undefined)?.code;
  const withoutHeader = plan.header.kind === 'none';
  if (timedOut) {
    return `${where} took the connection but did not answer within ${seconds(plan.timeoutMs)}`;
  }
  if (code?.startsWith('HPE_') === true) {
    return `what ${where} answered is not HTTP (${code})`;
  }
  if (plan.message !== undefined && exchange.error !== undefined && code === undefined) {
    return `the upgrade failed: ${exchange.error.message}`;
  }
  return withoutHeader
    ? `${where} closed the connection without an answer: with proxyProtocol: required usher wants a PROXY header, and none was sent; look for \`code\` in its log`
    : `${where} closed the connection without an answer: usher refused the header or the address it came from; look for \`code\` in its log`;
}

/** The finding as JSON that scripts may hold on to. */
export function renderJson(plan: ProbePlan, finding: Finding, verdict: Verdict): string {
  const { connection, exchange } = finding;
  const { answer, conversation } = exchange;
  return printableJson({
    target: formatHostPort(plan.target.host, plan.target.port),
    exitCode: verdict.exitCode,
    explanation: verdict.sentence ?? null,
    connection: connection && {
      local: formatHostPort(connection.local.address, connection.local.port),
      dialled: formatHostPort(connection.dialled.address, connection.dialled.port),
      connectMs: rounded(connection.ms),
    },
    sent: finding.header.length === 0 ? null : { hex: hex(finding.header), ...describeSent(finding.header) },
    answer: answer && {
      status: answer.status,
      reason: answer.reason,
      headers: answer.fields,
      body: new TextDecoder().decode(answer.body, { stream: answer.end === 'cut' }),
      bodyEnd: answer.end,
    },
    websocket: conversation,
    answeredMs: rounded(finding.answeredMs),
    totalMs: rounded(finding.totalMs),
  });
}

/** The finding for a terminal. */
export function renderText(plan: ProbePlan, finding: Finding): string {
  const { connection, exchange, header } = finding;
  const lines: string[] = [];
  if (connection !== undefined) {
    const ends = `${formatHostPort(connection.local.address, connection.local.port)} to ${formatHostPort(connection.dialled.address, connection.dialled.port)}`;
    lines.push(`connected  ${ends}, in ${milliseconds(connection.ms)}`, ...sentLines(header, plan.fragmentBytes));
  }
  if (finding.answeredMs !== undefined) {
    lines.push(`answered   after ${milliseconds(finding.answeredMs)}`);
  }
  if (exchange.answer !== undefined) {
    lines.push('', ...answerLines(exchange.answer));
  }
  if (exchange.conversation !== undefined) {
    lines.push(`upgraded   and sent ${printableLine(plan.message ?? '')}`);
    lines.push(...exchange.conversation.messages.map(message => `received   ${printableLine(message)}`));
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

const hexShown = 128;

function sentLines(header: Uint8Array, pieceBytes: number | undefined): string[] {
  if (header.length === 0) {
    return ['sent       no PROXY header'];
  }
  const pieces = pieceBytes === undefined ? '' : `, ${pieceBytes} at a time`;
  const decoded = decodeProxyHeader(header, header.length);
  const what =
    decoded.kind === 'header'
      ? summary(decoded.header)
      : `a PROXY header that usher refuses${decoded.kind === 'bad' ? ` (${decoded.code})` : ''}`;
  const shown = hex(header.subarray(0, hexShown));
  return [
    `sent       ${what}; ${header.length} bytes${pieces}`,
    `           ${header.length > hexShown ? `${shown}…` : shown}`,
  ];
}

function summary({ version, command, source, destination, tlvs }: ProxyHeader): string {
  const ends =
    source === undefined || destination === undefined
      ? ''
      : ` ${formatHostPort(source.address, source.port)} to ${formatHostPort(destination.address, destination.port)}`;
  const types = tlvs.map(({ type }) => `0x${type.toString(16).padStart(2, '0')}`).join(' ');
  return `v${version} ${command}${ends}${types === '' ? '' : `, TLVs ${types}`}`;
}

function describeSent(header: Uint8Array): object {
  const decoded = decodeProxyHeader(header, header.length);
  switch (decoded.kind) {
    case 'header':
      return { header: describeHeader(decoded.header, decoded.length) };
    case 'bad':
      return { refusedWith: decoded.code };
    case 'more':
      return {};
  }
}

function answerLines(answer: Answer): string[] {
  const body = printable(new TextDecoder().decode(answer.body, { stream: answer.end === 'cut' })).trimEnd();
  return [
    printableLine(`HTTP/${answer.httpVersion} ${answer.status} ${answer.reason}`).trimEnd(),
    ...answer.fields.map(([name, value]) => printableLine(`${name}: ${value}`)),
    ...(body === '' ? [] : ['', body]),
    ...(answer.end === 'whole' ? [] : ['', endings[answer.end]]),
  ];
}

const endings = {
  cut: '(there is more; only the first 4 KiB are shown)',
  broken: '(the body did not come to its end)',
} as const;

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 100) / 100;
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}
