/** Which ports usher has to open for the flows of an estate, and what it can't take. */
import type { Estate, NetworkBalancer } from '../estate.js';
import { type Flow, isHttp, isTls } from '../flow.js';
import { groupOf, networksNamed, networksOf } from '../look-up.js';
import { otherService } from '../other-service.js';
import { shown } from './entry.js';

/** One port of usher, and every flow that goes to it. */
export interface Door {
  /** Undefined: the files do not say. */
  readonly port: number | undefined;
  readonly flows: readonly [Flow, ...Flow[]];
  /** `tcp`: the clients' own TLS comes through, so that there is no HTTP to read. */
  readonly protocol: 'http' | 'tcp';
}

export interface Doors {
  readonly doors: readonly Door[];
  /** What gets no listener and why, one sentence each. */
  readonly leftOut: readonly string[];
  /** Where balancers send to all the same. */
  readonly strangePorts: readonly number[];
}

/** More than any usher has; what is beyond is left out, so that the file stays one that usher reads. */
const MOST_DOORS = 200;
const TOO_MANY = `there are ${MOST_DOORS} listeners already, give fewer files at a time`;

/** In the order of the flows. */
export function doorsOf(estate: Estate, flows: readonly Flow[]): Doors {
  const leftOut = othersOf(estate);
  const strangePorts: number[] = [];
  const groups = new Map<string, [Flow, ...Flow[]]>();
  for (const flow of flows) {
    const group = groups.get(doorKey(flow));
    const full = group === undefined && groups.size >= MOST_DOORS ? TOO_MANY : undefined;
    const reason = obstacle(estate, flow) ?? full;
    if (reason !== undefined) {
      leftOut.push(`${flowWords(flow)}: ${reason}`);
      if (flow.port !== undefined) strangePorts.push(flow.port);
    } else if (group === undefined) groups.set(doorKey(flow), [flow]);
    else group.push(flow);
  }
  return { doors: [...groups.values()].map(doorOf), leftOut: [...new Set(leftOut)], strangePorts };
}

function doorKey({ port, kind, balancer, targetGroupArn, frontPort }: Flow): string {
  return port === undefined ? JSON.stringify([kind, balancer, targetGroupArn ?? frontPort]) : `${port}`;
}

function doorOf(flows: readonly [Flow, ...Flow[]]): Door {
  const passesTls = flows.every(({ frontProtocol, frontPort }) => frontProtocol === 'TCP' && frontPort === 443);
  return { port: flows[0].port, flows, protocol: passesTls ? 'tcp' : 'http' };
}

/** Why usher can't take a flow. */
function obstacle(estate: Estate, flow: Flow): string | undefined {
  const type = groupOf(estate, flow)?.targetType;
  if (type === 'lambda') return 'its targets are Lambda functions, where no usher can stand';
  if (type === 'alb') return 'its target is an Application Load Balancer, which sends no PROXY header';
  if (flow.kind === 'nlb' && isHttp(flow.protocol))
    return 'an Application Load Balancer sends no PROXY header; usher stands behind a Network Load Balancer';
  if (isTls(flow.protocol))
    return `the balancer speaks ${flow.protocol} to the target, and usher ends no TLS: let it send ${flow.protocol === 'HTTPS' ? 'HTTP' : 'TCP'}`;
  if (flow.protocol !== 'TCP' && flow.protocol !== 'HTTP')
    return `usher takes TCP and not ${shown(flow.protocol)}: give its TCP part a target group of its own`;
  const other = otherService(flow);
  if (other !== undefined)
    return `its port is that of ${other} and not of HTTP; usher relays it with protocol: tcp, in a listener that you add`;
  return undefined;
}

/** Things without flows that somebody may miss. */
function othersOf(estate: Estate): string[] {
  const attached = new Set(estate.listeners.flatMap(({ targetGroupArns }) => targetGroupArns));
  return [
    ...estate.networks
      .filter(({ type }) => type !== 'network')
      .map(({ name, type }) => `load balancer ${shown(name)}: it is of type ${shown(type)}, and usher fits network`),
    ...estate.targetGroups
      .filter(({ arn, balancerArns }) => balancerArns.length === 0 && !attached.has(arn))
      .map(({ name }) => `target group ${shown(name)}: no listener sends to it`),
    ...estate.services
      .filter(({ type }) => type !== 'LoadBalancer')
      .map(({ name }) => `Kubernetes Service ${shown(name)}: it is not of type LoadBalancer`),
  ];
}

/** The Network Load Balancers that a flow comes from, as far as they are given. */
export function balancersOf(estate: Estate, flow: Flow): readonly NetworkBalancer[] {
  const attached = networksOf(estate, groupOf(estate, flow)?.balancerArns ?? []);
  return [...new Set([...networksNamed(estate, flow.balancer), ...attached])];
}

const KINDS = { clb: 'Classic Load Balancer', nlb: 'Network Load Balancer', service: 'Kubernetes Service' } as const;

/** `Classic Load Balancer chat`. */
export function balancerWords({ kind, balancer, protocol }: Flow): string {
  const isApplication = kind === 'nlb' && isHttp(protocol);
  return `${isApplication ? 'Application Load Balancer' : KINDS[kind]} ${shown(balancer)}`;
}

/** `SSL 443 of Classic Load Balancer chat`; without listeners `TCP to target group blue of Network Load Balancer chat`. */
export function flowWords(flow: Flow): string {
  const { frontPort, frontProtocol, targetGroupArn } = flow;
  const group = targetGroupArn?.split('/').at(-2) ?? targetGroupArn ?? '';
  const port = frontPort === undefined ? `to target group ${shown(group)}` : frontPort;
  return `${shown(frontProtocol)} ${port} of ${balancerWords(flow)}`;
}
