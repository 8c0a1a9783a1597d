/** What a Network Load Balancer tells usher of the client: unknown, or nothing. */
import { PRESERVE_CLIENT_IP, PROXY_PROTOCOL, sendsHeader } from '../attributes.js';
import type { Rule } from '../finding.js';
import { attributePlace, setAttribute } from '../flows-network.js';
import { groupKeepsClients } from '../peers.js';
import { command, shellWord } from '../shell.js';
import { listenersOf, tcpGroups } from './nlb-groups.js';

export const nlbAttributesUnknown: Rule = {
  id: 'nlb-attributes-unknown',
  severity: 'warning',
  title: 'The attributes of a target group were not given',
  story: `Whether a Network Load Balancer sends a PROXY header is an attribute of the target group,
proxy_protocol_v2.enabled. describe-target-groups does not print attributes; they have a command of
their own, one call for each group. Without it nothing can be said about the header, about client
addresses and about how connections end.

The output does not say of which group it is. Name it on usher's command line:

    aws elbv2 describe-target-group-attributes --target-group-arn ARN > attributes-chat.json
    usher check aws target-groups.json --target-group ARN=attributes-chat.json …`,
  *check(scene) {
    for (const { group, listeners } of tcpGroups(scene)) {
      const [listener] = listeners.filter(({ protocol }) => protocol === 'TCP' || protocol === 'TLS');
      if (group.attributes !== undefined || listener === undefined) continue;
      const [usher] = listenersOf(scene, group);
      const place = scene.sidecar && usher && scene.sidecar.place('listeners', usher.name, 'proxyProtocol');
      const file = `attributes-${group.name.replaceAll(/[^\w-]/g, '_')}.json`;
      yield {
        rule: 'nlb-attributes-unknown',
        severity: 'warning',
        message: `port ${listener.port} forwards to target group ${group.name}, whose attributes were not given`,
        consequence: 'whether a PROXY header is sent there is unknown, and most rules say nothing about the group',
        places: [group.at, listener.at, ...(place ? [place] : [])],
        cure: `print them, and add --target-group ${shellWord(group.arn)}=${file} to the command line of usher`,
        commands: [`${command`aws elbv2 describe-target-group-attributes --target-group-arn ${group.arn}`} > ${file}`],
      };
    }
  },
};

export const nlbClientIpLost: Rule = {
  id: 'nlb-client-ip-lost',
  severity: 'warning',
  title: 'A target group neither sends a PROXY header nor preserves the address of the client',
  story: `A Network Load Balancer has two ways to tell a target who the client is: proxy_protocol_v2.enabled
puts a PROXY header in front of the bytes, and preserve_client_ip.enabled makes the client the peer
of the TCP connection. For instances the second is on by default; for addresses (Fargate, tasks in
awsvpc mode, pods) it is off with TCP and TLS.

With both off every connection comes from a private address of the balancer, one for each
availability zone. X-Forwarded-For, limits per client, bans and logs then see a handful of clients.

Turn the PROXY header on. For no gap: usher with proxyProtocol: optional first, then the attribute,
then proxyProtocol: required.

    aws elbv2 modify-target-group-attributes --target-group-arn ARN \\
      --attributes Key=proxy_protocol_v2.enabled,Value=true`,
  *check(scene) {
    for (const { group, balancers } of tcpGroups(scene)) {
      if (sendsHeader(group) !== false || groupKeepsClients(group) !== false) continue;
      const ushers = listenersOf(scene, group);
      const usher = ushers.find(({ proxyProtocol }) => proxyProtocol !== 'required');
      if (scene.sidecar !== undefined && usher === undefined) continue; // refused as it is, which another rule tells
      const place = scene.sidecar && usher && scene.sidecar.place('listeners', usher.name, 'proxyProtocol');
      const node = balancers.flatMap(({ addresses }) => addresses)[0];
      yield {
        rule: 'nlb-client-ip-lost',
        severity: 'warning',
        message: `target group ${group.name} has ${PROXY_PROTOCOL} and ${PRESERVE_CLIENT_IP} off`,
        consequence: `clients will look like ${node ?? 'the nodes of the balancer'}, in X-Forwarded-For as well as in logs`,
        places: [
          attributePlace(group, PROXY_PROTOCOL),
          attributePlace(group, PRESERVE_CLIENT_IP),
          ...(place ? [place] : []),
        ],
        cure: 'turn the PROXY header on, while usher has proxyProtocol: optional, and make that required afterwards',
        commands: [setAttribute(group.arn, PROXY_PROTOCOL, 'true')],
      };
    }
  },
};
