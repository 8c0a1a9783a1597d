/** The flows of Classic Load Balancers. */
import { turnHeaderOff, turnHeaderOn } from './classic-commands.js';
import { LINES, portPolicies } from './classic-policies.js';
import type { ClassicBalancer, ClassicListener } from './estate.js';
import { type Flow, isHttp } from './flow.js';

/** Of each listener, to its instance port. */
export function classicFlows(balancers: readonly ClassicBalancer[]): Flow[] {
  return balancers.flatMap(balancer => balancer.listeners.map(listener => flowOf(balancer, listener)));
}

function flowOf(balancer: ClassicBalancer, listener: ClassicListener): Flow {
  const { instancePort, instanceProtocol } = listener;
  const { header, names, at } = portPolicies(balancer, instancePort);
  const http = isHttp(instanceProtocol);
  return {
    kind: 'clb',
    at: listener.at,
    balancer: balancer.name,
    frontPort: listener.port,
    frontProtocol: listener.protocol,
    protocol: instanceProtocol,
    port: instancePort,
    header: http ? 'none' : LINES[header],
    headerAt: names.length === 0 ? listener.at : at,
    turnOn: http ? [] : turnHeaderOn(balancer, [instancePort]),
    turnOff: turnHeaderOff(balancer, instancePort),
    targetGroupArn: undefined,
  };
}
