/** Whose PROXY header usher believes: the peers that a door's connections come from. */
import { canonicalAddress, cidrContains, parseAddress, parseCidr } from '../../address.js';
import type { Estate } from '../estate.js';
import type { Flow } from '../flow.js';
import { isNetwork } from '../flows-service.js';
import { groupOf, serviceOf } from '../look-up.js';
import { groupKeepsClients, serviceKeepsClients, targetsPods } from '../peers.js';
import { command, shellWord } from '../shell.js';
import { listed } from '../words.js';
import { balancersOf, balancerWords } from './doors.js';
import { type Entry, entry, question, remark } from './entry.js';

/** Private ranges: a VPC is in one of them nearly always (RFC 1918). */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];
const MOST_SOURCES = 100;

/**
 * Who opens the connections. `client`: the balancer keeps the clients' addresses. `maybe-client`: it does so by default, and
 * the files do not say. `balancer`: its own nodes.
 */
type Peer = 'client' | 'maybe-client' | 'balancer';

/** `trustedSources` for flows that carry a PROXY header. */
export function trustedSources(estate: Estate, flows: readonly Flow[]): Entry {
  const peers = flows.map(flow => ({ flow, peer: peerOf(estate, flow) }));
  const kept = peers.find(({ peer }) => peer === 'client')?.flow;
  if (kept !== undefined) {
    const why = `${balancerWords(kept)} keeps the clients' addresses (preserve_client_ip), so the peer is the client: a list of the balancer's subnets would refuse everybody. Let the security group admit nobody past the balancer.`;
    return entry('trustedSources', undefined, undefined, remark(`No trustedSources: ${why}`));
  }
  const nodes = flows.map(flow => nodesOf(estate, flow));
  const addresses = [...new Set(nodes.flatMap(one => one.addresses))].slice(0, MOST_SOURCES);
  const unsure = peers.filter(({ peer }) => peer === 'maybe-client').map(({ flow }) => flow);
  if (unsure.length === 0 && nodes.every(({ complete }) => complete) && addresses.length < MOST_SOURCES) {
    const words = "The addresses of the balancer's nodes. One more subnet is one more node: list it here then.";
    return entry('trustedSources', listOf(addresses.map(rangeOf)), undefined, remark(words));
  }
  return entry('trustedSources', listOf(interim(addresses)), undefined, subnetQuestion(estate, flows, unsure));
}

function subnetQuestion(estate: Estate, flows: readonly Flow[], unsure: readonly Flow[]) {
  const subnets = [...new Set(flows.flatMap(flow => subnetsOf(estate, flow)))];
  const balancers = listed([...new Set(flows.map(balancerWords))]);
  const nodes = flows.some(flow => comesOverNodes(estate, flow))
    ? ' The nodes of the cluster pass connections on (externalTrafficPolicy is not Local), so their subnets belong here too.'
    : '';
  const narrow = `Which subnets does ${balancers} stand in? These are all private ranges: narrow them to its subnets.${nodes}`;
  if (unsure.length === 0) return question(narrow, ...subnetCommands(estate, subnets, flows));
  const arns = [...new Set(unsure.flatMap(({ targetGroupArn }) => targetGroupArn ?? []))];
  const look = arns.map(arn => command`aws elbv2 describe-target-group-attributes --target-group-arn ${arn}`);
  const why =
    "Does preserve_client_ip.enabled keep the clients' addresses, as it does by default for instances? Then usher refuses them all: remove trustedSources and let the security group admit nobody past the balancer.";
  return question(`${narrow} ${why}`, ...subnetCommands(estate, subnets, flows), ...look);
}

function subnetCommands(estate: Estate, subnets: readonly string[], flows: readonly Flow[]): string[] {
  if (subnets.length > 0) {
    const ids = subnets.slice(0, MOST_SOURCES).map(shellWord).join(' ');
    return [`aws ec2 describe-subnets --subnet-ids ${ids} --query 'Subnets[].CidrBlock'`];
  }
  const classic = (flow: Flow) => {
    const service = flow.kind === 'service' ? serviceOf(estate, flow) : undefined;
    return flow.kind === 'clb' || (service !== undefined && !isNetwork(service));
  };
  const classics = flows.some(classic)
    ? ["aws elb describe-load-balancers --query 'LoadBalancerDescriptions[].[LoadBalancerName,DNSName,Subnets]'"]
    : [];
  const others = flows.some(flow => !classic(flow))
    ? ["aws elbv2 describe-load-balancers --query 'LoadBalancers[].[DNSName,AvailabilityZones[].SubnetId]'"]
    : [];
  return [...classics, ...others];
}

/** Whether another node than the pod's may open the connection to it. */
function comesOverNodes(estate: Estate, flow: Flow): boolean {
  const service = flow.kind === 'service' ? serviceOf(estate, flow) : undefined;
  return service !== undefined && !targetsPods(service) && service.externalTrafficPolicy?.value !== 'Local';
}

/** Whose address is at the other end of the connections. */
export function peerOf(estate: Estate, flow: Flow): Peer {
  if (flow.kind === 'clb') return 'balancer';
  return flow.kind === 'service' ? servicePeer(estate, flow) : groupPeer(estate, flow);
}

function groupPeer(estate: Estate, flow: Flow): Peer {
  const group = groupOf(estate, flow);
  const keeps = group && groupKeepsClients(group);
  // Instances keep the addresses by default.
  if (keeps === undefined) return group === undefined || group.targetType === 'instance' ? 'maybe-client' : 'balancer';
  return keeps ? 'client' : 'balancer';
}

/** By a node that is not the pod's own (externalTrafficPolicy Cluster) the peer is a node, whatever the balancer does. */
function servicePeer(estate: Estate, flow: Flow): Peer {
  const service = serviceOf(estate, flow);
  const keeps = service !== undefined && serviceKeepsClients(service);
  return keeps === undefined ? 'maybe-client' : keeps ? 'client' : 'balancer';
}

function subnetsOf(estate: Estate, flow: Flow): readonly string[] {
  if (flow.kind === 'service') return [];
  if (flow.kind === 'nlb') return balancersOf(estate, flow).flatMap(({ subnets }) => subnets);
  return estate.classics.find(({ name }) => name === flow.balancer)?.subnets ?? [];
}

interface Nodes {
  readonly addresses: readonly string[];
  /** Whether these are all. */
  readonly complete: boolean;
}

/** The addresses of a balancer's nodes. */
function nodesOf(estate: Estate, flow: Flow): Nodes {
  const balancers = flow.kind === 'nlb' ? balancersOf(estate, flow) : [];
  const known = balancers.map(({ subnets, addresses }) => {
    const canonical = addresses.flatMap(address => canonicalAddress(address) ?? []);
    // Each node has one IPv4 address, and may have one of IPv6 beside it.
    const nodes = canonical.filter(address => !address.includes(':')).length;
    return { canonical, complete: nodes >= Math.max(subnets.length, 1) && canonical.length === addresses.length };
  });
  const complete = known.length > 0 && known.every(one => one.complete);
  return { addresses: known.flatMap(({ canonical }) => canonical), complete };
}

function rangeOf(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`;
}

/** A list as YAML; IPv6 needs its quotes. */
function listOf(ranges: readonly string[]): string {
  return `[${ranges.map(range => (range.includes(':') ? JSON.stringify(range) : range)).join(', ')}]`;
}

/** The private ranges, and what is known to be outside of them. */
function interim(addresses: readonly string[]): readonly string[] {
  const ranges = PRIVATE.flatMap(range => parseCidr(range) ?? []);
  const outside = addresses.filter(address => {
    const bytes = parseAddress(address);
    return bytes !== undefined && !ranges.some(range => cidrContains(range, bytes));
  });
  return [...PRIVATE, ...outside.map(rangeOf)];
}
