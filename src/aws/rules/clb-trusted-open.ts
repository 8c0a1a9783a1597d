/** A PROXY header that is believed from anybody. */
import type { ListenerSettings } from '../../settings.js';
import type { Finding, Rule, Scene } from '../finding.js';
import { command } from '../shell.js';
import type { Sidecar } from '../sidecar.js';
import { type FlowGroup, flowGroups, groupWords, listenersOn } from './flow-groups.js';

export const clbTrustedOpen: Rule = {
  id: 'clb-trusted-open',
  severity: 'note',
  title: "usher believes the PROXY header of anyone, though a Classic Load Balancer's subnets are known",
  story: `The PROXY header is a claim: these bytes come from that client. usher believes it when the peer,
who opened the connection, is in trustedSources. Left out, every peer is believed.

Then whoever reaches usher's port in another way than through the balancer (a container on the
same network, a machine of the VPC, the internet when the security group is too wide) may write a
header with any address. Bans, rate limits and logs by address go by it.

A Classic Load Balancer connects from its nodes in its own subnets, so their ranges are the list.
The command asks AWS for them. The nodes change their addresses, but not their subnets.

A security group that admits only the balancer's does the same work. Two locks are better than
one, and the list shows in usher's counters (source-untrusted) when the first one fails.

Behind a Network Load Balancer that preserves client addresses the peer is the client, and the
list has to stay open. That is another case, and this note says nothing there.`,
  *check(scene) {
    const { sidecar, flows } = scene;
    if (sidecar === undefined) return;
    for (const group of flowGroups(flows)) {
      if (group.first.kind !== 'clb' || group.first.header !== 'v1') continue;
      const others = flows.some(({ kind, port }) => kind !== 'clb' && port === group.first.port);
      if (others) continue;
      for (const listener of listenersOn(sidecar.settings, group.first.port)) {
        if (isOpen(listener)) yield finding(scene, sidecar, group, listener);
      }
    }
  },
};

function isOpen({ proxyProtocol, trustedSources }: ListenerSettings): boolean {
  return proxyProtocol !== 'off' && (trustedSources === undefined || trustedSources.some(({ bits }) => bits === 0));
}

function finding({ estate }: Scene, sidecar: Sidecar, group: FlowGroup, { name }: ListenerSettings): Finding {
  const { first } = group;
  const subnets = estate.classics.find(({ name }) => name === first.balancer)?.subnets ?? [];
  const ask = command`aws ec2 describe-subnets --subnet-ids`;
  const ids = subnets.map(subnet => command`${subnet}`).join(' ');
  return {
    rule: 'clb-trusted-open',
    severity: 'note',
    message: `${groupWords(group)} sends the PROXY header to port ${first.port}, and usher's listener ${name} believes it of every peer`,
    consequence: 'whoever reaches the port past the balancer may claim any client address',
    places: [sidecar.place('listeners', name, 'trustedSources'), first.at],
    cure: `list the ranges of the balancer's subnets as trustedSources of ${name}`,
    commands: subnets.length === 0 ? [] : [`${ask} ${ids} ${command`--query ${'Subnets[].CidrBlock'} --output text`}`],
  };
}
