/** Balancers, protocols and target types on which there is no PROXY header for usher. */
import type { ListenerSettings } from '../../settings.js';
import { PROXY_PROTOCOL } from '../attributes.js';
import type { NetworkBalancer, NetworkListener, TargetGroup } from '../estate.js';
import type { Finding, Rule, Scene } from '../finding.js';
import { isDatagram, isSent } from '../flow.js';
import { below } from '../place.js';
import { moveToNewGroup } from './nlb-commands.js';
import { listenersOf, mayServe, portsOf, servedGroups } from './nlb-groups.js';

/** With TCP beside the datagrams. */
const MIXED = ['TCP_UDP', 'TCP_QUIC'];

export const nlbUdp: Rule = {
  id: 'nlb-udp',
  severity: 'error',
  title: 'A listener or target group with UDP or QUIC goes to a port of usher',
  story: `usher listens with TCP. A listener or target group of a Network Load Balancer with the protocol UDP
or QUIC sends datagrams, and one with TCP_UDP or TCP_QUIC sends both to the same port.

Datagrams that arrive at usher's port find nobody: the system answers them with an ICMP message or
not at all, and clients that try QUIC first wait until they give up. Another program may take them,
because a port of UDP is not the one of TCP with the same number; so UDP or QUIC alone is a warning.

With TCP_UDP or TCP_QUIC it is an error: such a target group always preserves the client's address,
so the peer of a TCP connection is the client, and trustedSources can't tell the balancer from
others.

In production one sees clients that are slow to connect, and the metric ProcessedBytes_UDP rising
while usher counts no connection.

Make the listener TCP (or TLS) and forward it to a target group of protocol TCP. The protocol of a
target group can't be changed, so that is a new group:

    aws elbv2 create-target-group --name chat-tcp --protocol TCP --port 8080 …`,
  *check(scene) {
    for (const { group, listeners } of servedGroups(scene.estate)) {
      for (const listener of listeners)
        if (meetsDatagrams(scene, listener, group)) yield udpFinding(scene, listener, group);
    }
  },
};

function meetsDatagrams(scene: Scene, listener: NetworkListener, group: TargetGroup): boolean {
  if (isMixed(listener, group)) return mayServe(scene, group);
  return [listener.protocol, group.protocol].some(isDatagram) && listenersOf(scene, group).length > 0;
}

function udpFinding(scene: Scene, listener: NetworkListener, group: TargetGroup): Finding {
  const [usher] = listenersOf(scene, group);
  const port = usher?.listen.port ?? portsOf(scene, group)[0] ?? group.port;
  const whose =
    usher === undefined ? 'where usher speaks TCP only' : `where usher's listener ${usher.name} speaks TCP only`;
  const place = scene.sidecar && usher && scene.sidecar.place('listeners', usher.name, 'listen');
  const mixed = isMixed(listener, group);
  return {
    rule: 'nlb-udp',
    severity: mixed ? 'error' : 'warning',
    message: `port ${listener.port} (${listener.protocol}) forwards to target group ${group.name} (${group.protocol}) on port ${port}, ${whose}`,
    consequence: mixed
      ? 'datagrams are lost, and the peer of every TCP connection is the client instead of the balancer'
      : 'datagrams are lost, unless another program takes them on the same port',
    places: [below(listener.at, 'Protocol'), below(group.at, 'Protocol'), ...(place ? [place] : [])],
    cure: mixed
      ? 'make a target group with protocol TCP, register the targets there, and let the listener be TCP and forward to it; where an ECS service or an Auto Scaling group registers the targets, name the new group there in place of register-targets'
      : 'delete this listener if no other program takes the datagrams; TCP needs a listener and a target group of its own',
    commands: mixed ? moveToNewGroup(listener.arn, 'TCP', newGroup(group, port)) : [],
  };
}

/** Whether TCP connections come beside the datagrams. */
function isMixed(listener: NetworkListener, group: TargetGroup): boolean {
  return [listener.protocol, group.protocol].some(protocol => MIXED.includes(protocol));
}

function newGroup({ targetType, targets = [], attributes }: TargetGroup, port: number | undefined) {
  const sendsHeader = attributes?.get(PROXY_PROTOCOL)?.value === 'true';
  return { port, targetType: targetType === 'ip' ? 'ip' : 'instance', targets, sendsHeader } as const;
}

export const nlbTargetType: Rule = {
  id: 'nlb-target-type',
  severity: 'error',
  title: 'A Network Load Balancer forwards to an Application Load Balancer or to a function',
  story: `The target group behind a listener of a Network Load Balancer is of type alb or lambda. The
attributes of such a group are fixed: proxy_protocol_v2.enabled can't be set, so no PROXY header is
ever sent.

Behind it an Application Load Balancer reads HTTP and opens connections of its own. It knows
X-Forwarded-For, but not the PROXY protocol. usher with proxyProtocol: required refuses everything
that comes that way (header-missing).

Let the Network Load Balancer forward to the machines or tasks on which usher runs: a target group
of type instance, or ip for Fargate and pods, with proxy_protocol_v2.enabled=true.`,
  *check(scene) {
    for (const { group, listeners } of servedGroups(scene.estate)) {
      const [listener] = listeners.filter(isOfNetworkBalancer);
      if (listener === undefined || (group.targetType !== 'alb' && group.targetType !== 'lambda')) continue;
      if (!isReachedOtherwise(scene, group)) yield targetTypeFinding(scene, listener, group);
    }
  },
};

function isOfNetworkBalancer(listener: NetworkListener): boolean {
  return listener.protocol !== 'HTTP' && listener.protocol !== 'HTTPS' && listener.protocol !== 'GENEVE';
}

/** Whether usher has its connections from elsewhere, and none is missing at this port, so that this is somebody else's. */
function isReachedOtherwise(scene: Scene, { arn, port }: TargetGroup): boolean {
  const ports = scene.flows.filter(flow => flow.targetGroupArn !== arn).map(flow => flow.port);
  const listeners = scene.sidecar?.settings.listeners.map(({ listen }) => listen.port) ?? [];
  const isMissing = port !== undefined && listeners.includes(port) && !ports.includes(port);
  return listeners.some(listener => ports.includes(listener)) && !isMissing;
}

function targetTypeFinding(scene: Scene, listener: NetworkListener, group: TargetGroup): Finding {
  const ushers = scene.sidecar?.settings.listeners ?? [];
  const usher = ushers.find(({ listen }) => listen.port === group.port) ?? ushers[0];
  const place = scene.sidecar && usher && scene.sidecar.place('listeners', usher.name, 'proxyProtocol');
  return {
    rule: 'nlb-target-type',
    severity: 'error',
    message: `port ${listener.port} forwards to target group ${group.name} of type ${group.targetType}, to which no PROXY header can be sent`,
    consequence:
      'usher never learns a client, and with proxyProtocol: required it refuses every connection (header-missing)',
    places: [below(group.at, 'TargetType'), below(listener.at, 'DefaultActions'), ...(place ? [place] : [])],
    cure: 'forward to a target group of type ip or instance whose targets are the machines or tasks with usher',
    commands: moveToNewGroup(listener.arn, listener.protocol, {
      port: usher?.listen.port,
      targetType: 'ip',
      targets: [],
      sendsHeader: true,
    }),
  };
}

export const nlbApplicationBalancer: Rule = {
  id: 'nlb-application-balancer',
  severity: 'warning',
  title: 'The balancer is an Application or Gateway Load Balancer, which has no PROXY protocol',
  story: `An Application Load Balancer reads HTTP itself and names the client in X-Forwarded-For; a Gateway
Load Balancer wraps packets in GENEVE. Neither can send a PROXY header: the attribute
proxy_protocol_v2.enabled exists only on target groups of a Network Load Balancer.

usher with proxyProtocol: required (the default) refuses what comes from there with header-missing.
With proxyProtocol: off it serves, but then every client looks like a node of the balancer, because
usher writes X-Forwarded-For anew from what it knows itself.

Put a Network Load Balancer (or a Classic one with TCP listeners) in front of usher. If the
Application Load Balancer has to stay, usher can't learn the clients from it.`,
  *check(scene) {
    for (const balancer of scene.estate.networks) {
      if (balancer.type !== 'application' && balancer.type !== 'gateway') continue;
      const meets = meetsUsher(scene, balancer);
      if (meets) yield applicationFinding(scene, balancer, meets.listener);
    }
  },
};

/** Whether the balancer stands in front of usher, as far as one can tell, and of which of its listeners. */
function meetsUsher(scene: Scene, balancer: NetworkBalancer): { listener: ListenerSettings | undefined } | undefined {
  const groups = servedGroups(scene.estate).filter(({ balancers }) => balancers.includes(balancer));
  if (scene.sidecar === undefined) return groups.length > 0 || isAlone(scene) ? { listener: undefined } : undefined;
  const listeners = groups.flatMap(({ group }) => listenersOf(scene, group));
  const candidates = groups.length === 0 && isAlone(scene) ? scene.sidecar.settings.listeners : listeners;
  const listener = candidates.find(usher => usher.proxyProtocol !== 'off' && !getsHeader(scene, usher));
  return listener && { listener };
}

/** Whether a balancer sends the header to this listener: then `header-mixed-port` tells of the other one. */
function getsHeader({ flows }: Scene, { listen }: ListenerSettings): boolean {
  return flows.some(({ port, header }) => port === listen.port && isSent(header));
}

function isAlone({ estate }: Scene): boolean {
  return estate.networks.length === 1 && estate.classics.length === 0 && estate.services.length === 0;
}

function applicationFinding(scene: Scene, balancer: NetworkBalancer, usher: ListenerSettings | undefined): Finding {
  const place = scene.sidecar && usher && scene.sidecar.place('listeners', usher.name, 'proxyProtocol');
  const whom =
    usher === undefined ? '' : `, and usher's listener ${usher.name} has proxyProtocol: ${usher.proxyProtocol}`;
  return {
    rule: 'nlb-application-balancer',
    severity: 'warning',
    message: `${balancer.name} is of type ${balancer.type} and can't send a PROXY header${whom}`,
    consequence:
      usher?.proxyProtocol === 'optional'
        ? 'every client looks like a node of the balancer'
        : 'with proxyProtocol: required usher refuses every connection of it (header-missing)',
    places: [below(balancer.at, 'Type'), ...(place ? [place] : [])],
    cure: 'put a Network Load Balancer in front of usher, or set proxyProtocol: off and do without the addresses of clients',
    commands: [],
  };
}
