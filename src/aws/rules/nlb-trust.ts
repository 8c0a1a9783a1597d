/** Whose PROXY header usher believes behind a Network Load Balancer, and who the peer really is. */
import { type Cidr, cidrContains, IPV4_BYTES, parseAddress } from '../../address.js';
import type { ListenerSettings } from '../../settings.js';
import { PRESERVE_CLIENT_IP, sendsHeader } from '../attributes.js';
import type { Finding, Rule, Scene } from '../finding.js';
import { attributePlace, setAttribute } from '../flows-network.js';
import { groupKeepsClients } from '../peers.js';
import type { Sidecar } from '../sidecar.js';
import { serviceWords } from './kubernetes-services.js';
import { type OpenService, openServices } from './kubernetes-trust.js';
import { showSubnets } from './nlb-commands.js';
import { listenersOf, type Served, tcpGroups } from './nlb-groups.js';

export const nlbTrustedSources: Rule = {
  id: 'nlb-trusted-sources',
  severity: 'error',
  title: 'trustedSources does not hold the peers from which the connections come',
  story: `usher believes a PROXY header only from a peer in trustedSources. Who the peer is, the target group
decides: with preserve_client_ip.enabled=false it is a node of the balancer, with true it is the
client itself, anywhere on the internet. True is the default for instances.

A PROXY header and a preserved address may both be on. Then trustedSources with the subnets of the
balancer refuses every client outside of them (source-untrusted), while health checks, which come
from the nodes, go well: all targets are healthy, and nobody gets through.

Best is to turn preserve_client_ip.enabled off: the header tells the client anyway. Where it must
stay on, leave trustedSources out and let the security group admit only the balancer.

    aws elbv2 modify-target-group-attributes --target-group-arn ARN \\
      --attributes Key=preserve_client_ip.enabled,Value=false

For a Service of Kubernetes the same holds: the attribute stands in the annotation
aws-load-balancer-target-group-attributes, and for nodes as targets it is on unless that says false.

With the attribute off, trustedSources must hold the addresses of all nodes: the ranges of the
subnets in which the balancer stands.`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    for (const { served, usher } of headersAt(scene)) {
      const { trustedSources } = usher;
      if (trustedSources === undefined) continue;
      const preserves = groupKeepsClients(served.group);
      if (preserves === true) {
        const internal = served.balancers.some(({ scheme }) => scheme === 'internal');
        if (!internal && !coverIpv4(trustedSources)) yield clientsFinding(sidecar, served, usher);
      } else {
        const strangers = addressesOf(served).filter(address => !isIn(trustedSources, address));
        if (strangers.length > 0) yield nodesFinding(sidecar, served, usher, strangers);
      }
    }
    for (const open of openServices(scene)) {
      const { trustedSources } = open.usher;
      if (trustedSources !== undefined && !coverIpv4(trustedSources)) yield serviceFinding(sidecar, open);
    }
  },
};

/** Where a header arrives at a listener of usher that looks for one. */
function headersAt(scene: Scene): { readonly served: Served; readonly usher: ListenerSettings }[] {
  return tcpGroups(scene)
    .filter(({ group }) => sendsHeader(group) === true)
    .flatMap(served =>
      listenersOf(scene, served.group)
        .filter(({ proxyProtocol }) => proxyProtocol !== 'off')
        .map(usher => ({ served, usher })),
    );
}

function addressesOf({ balancers }: Served): string[] {
  return balancers.flatMap(({ addresses }) => addresses);
}

function serviceFinding(sidecar: Sidecar, { service, usher, at, off }: OpenService): Finding {
  return {
    rule: 'nlb-trusted-sources',
    severity: 'error',
    message: `the balancer of ${serviceWords(service)} preserves the client's address, but listener ${usher.name} trusts only ${listed(usher)}`,
    consequence: REFUSED,
    places: [at, sidecar.place('listeners', usher.name, 'trustedSources')],
    cure: `set ${PRESERVE_CLIENT_IP}=false, or leave trustedSources out and let the security group admit only the balancer`,
    commands: [off],
  };
}

const REFUSED = 'every connection from outside of these ranges is refused (source-untrusted), while health checks pass';

function clientsFinding(sidecar: Sidecar, { group }: Served, usher: ListenerSettings): Finding {
  return {
    rule: 'nlb-trusted-sources',
    severity: 'error',
    message: `target group ${group.name} preserves the client's address, but listener ${usher.name} trusts only ${listed(usher)}`,
    consequence: REFUSED,
    places: [attributePlace(group, PRESERVE_CLIENT_IP), sidecar.place('listeners', usher.name, 'trustedSources')],
    cure: `set ${PRESERVE_CLIENT_IP}=false, or leave trustedSources out and let the security group admit only the balancer`,
    commands: [setAttribute(group.arn, PRESERVE_CLIENT_IP, 'false')],
  };
}

function nodesFinding(
  sidecar: Sidecar,
  served: Served,
  usher: ListenerSettings,
  strangers: readonly string[],
): Finding {
  const { group, balancers } = served;
  const subnets = balancers.flatMap(balancer => balancer.subnets);
  return {
    rule: 'nlb-trusted-sources',
    severity: 'error',
    message: `the balancer reaches listener ${usher.name} from ${strangers.join(', ')}, but it trusts only ${listed(usher)}`,
    consequence: 'every connection of these nodes is refused (source-untrusted), and their health checks fail',
    places: [
      sidecar.place('listeners', usher.name, 'trustedSources'),
      balancers.find(({ addresses }) => addresses.some(address => strangers.includes(address)))?.at ?? group.at,
    ],
    cure: 'write the ranges of the subnets of the balancer into trustedSources',
    commands: showSubnets(subnets),
  };
}

function listed({ trustedSources = [] }: ListenerSettings): string {
  return trustedSources.map(({ text }) => text).join(', ');
}

function isIn(sources: readonly Cidr[], address: string): boolean {
  const bytes = parseAddress(address);
  return bytes === undefined || sources.some(source => cidrContains(source, bytes));
}

/** Whether ranges together hold every IPv4 address. */
function coverIpv4(sources: readonly Cidr[]): boolean {
  const ranges = sources
    .filter(({ bytes }) => bytes.length === IPV4_BYTES)
    .map(({ bytes, bits }) => {
      const start = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
      return { start, end: start + 2 ** (8 * IPV4_BYTES - bits) };
    })
    .sort((one, other) => one.start - other.start);
  const end = ranges.reduce((reached, range) => (range.start > reached ? reached : Math.max(reached, range.end)), 0);
  return end === 2 ** (8 * IPV4_BYTES);
}

export const nlbTrustedOpen: Rule = {
  id: 'nlb-trusted-open',
  severity: 'note',
  title: 'A listener behind a Network Load Balancer has no trustedSources',
  story: `A Network Load Balancer puts its PROXY header in front of whatever the client sends. Whoever
reaches usher's port past the balancer can write a PROXY header too, and usher believes it: they
are any client they like, in X-Forwarded-For, in limits per client and in logs.

With preserve_client_ip.enabled=false the peer of every connection is a node of the balancer, so
trustedSources can close that door: write the address ranges of the balancer's subnets there. The
security group of the targets should admit only the balancer as well.

    aws ec2 describe-subnets --subnet-ids SUBNET… --query 'Subnets[].CidrBlock'`,
  *check(scene) {
    const { sidecar } = scene;
    if (sidecar === undefined) return;
    for (const { served, usher } of headersAt(scene)) {
      const { group, balancers } = served;
      if (usher.trustedSources !== undefined || groupKeepsClients(group) !== false) continue;
      const subnets = balancers.flatMap(balancer => balancer.subnets);
      yield {
        rule: 'nlb-trusted-open',
        severity: 'note',
        message: `listener ${usher.name} believes every peer, though only nodes of the balancer come from target group ${group.name}`,
        consequence: 'whoever reaches the port past the balancer may claim to be any client',
        places: [sidecar.place('listeners', usher.name, 'trustedSources'), attributePlace(group, PRESERVE_CLIENT_IP)],
        cure: `set trustedSources to the ranges of the balancer's subnets${subnets.length === 0 ? '' : `: ${subnets.join(', ')}`}`,
        commands: showSubnets(subnets),
      };
    }
  },
};
