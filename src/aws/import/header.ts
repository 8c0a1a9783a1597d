/** `proxyProtocol` of a door: whether a PROXY header stands in front of its connections. */
import type { Estate } from '../estate.js';
import { type Flow, isHttp, isSent } from '../flow.js';
import { command } from '../shell.js';
import { listed } from '../words.js';
import { balancerWords, type Door, flowWords } from './doors.js';
import { type Entry, entry, type Note, question, remark } from './entry.js';
import { peerOf } from './trust.js';

const LOST =
  "usher removes an X-Forwarded-For that comes from outside and writes its own, so the application is told the balancer's address in place of the client's";

/** Required where a header comes or may come; off only where it is known that none does. */
export function proxyProtocol(estate: Estate, { flows }: Door): Entry {
  const sending = flows.filter(({ header }) => isSent(header));
  const without = flows.filter(({ header }) => header === 'none');
  const unknown = flows.filter(({ header }) => header === 'unknown');
  if (without.length === flows.length) return entry('proxyProtocol', 'off', undefined, noHeader(estate, flows));
  const notes: Note[] = [];
  if (without.length > 0) {
    const [bare, rest] = [listed(without.map(flowWords)), listed([...sending, ...unknown].map(flowWords))];
    notes.push(
      question(
        `No PROXY header comes with ${bare}, so usher refuses that; one comes or may come with ${rest}. One port takes one kind: turn it on for all, or give them ports of their own.`,
        ...commandsOf(without),
      ),
    );
  }
  if (unknown.length > 0) notes.push(ask(unknown));
  const versions = [...new Set(sending.map(({ header }) => header))];
  const behind = unknown.length > 0 ? undefined : `the balancer sends ${listed(versions)}`;
  return entry('proxyProtocol', 'required', behind, ...notes);
}

function commandsOf(flows: readonly Flow[]): string[] {
  return [...new Set(flows.flatMap(({ turnOn }) => turnOn))];
}

function ask(unknown: readonly Flow[]): Note {
  const flows = listed(unknown.map(flowWords));
  return question(
    `Does a PROXY header come with ${flows}? The files do not say. Import again with what this prints, or turn the header on, or write off here.`,
    ...new Set(unknown.map(lookAt)),
  );
}

/** The command that tells whether a header comes. */
function lookAt({ kind, balancer, targetGroupArn }: Flow): string {
  if (kind === 'clb') return command`aws elb describe-load-balancer-policies --load-balancer-name ${balancer}`;
  return command`aws elbv2 describe-target-group-attributes --target-group-arn ${targetGroupArn ?? 'ARN'}`;
}

function noHeader(estate: Estate, flows: readonly [Flow, ...Flow[]]): Note {
  const balancers = listed([...new Set(flows.map(balancerWords))]);
  if (flows.some(({ protocol }) => isHttp(protocol))) {
    const words = `${balancers} reads HTTP here and sends no PROXY header; ${LOST}. Does the application need to know the client? Then make the listener TCP (SSL where clients speak TLS) to a TCP port of the target, turn the PROXY header on there, and write required.`;
    return question(words);
  }
  if (flows.every(flow => peerOf(estate, flow) === 'client'))
    return remark(
      `${balancers} sends no PROXY header and keeps the client's address (preserve_client_ip), so the peer is the client.`,
    );
  const words = `${balancers} sends no PROXY header, so the application is told the balancer's address in place of the client's. Does it need to know the client? Then turn the header on, and write required here (optional with trustedSources for the hours between).`;
  return question(words, ...commandsOf(flows));
}
