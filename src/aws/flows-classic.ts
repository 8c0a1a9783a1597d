/** The flows of Classic Load Balancers. */
import { turnHeaderOff, turnHeaderOn } from './classic-commands.js';
import { portPolicies } from './classic-policies.js';
import type { ClassicBalancer, ClassicListener } from './estate.js';
import { type Flow, isHttp, type SentHeader } from './flow.js';

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
    header: http ? 'none' : SENT[header],
    headerAt: names.length === 0 ? listener.at : at,
    turnOn: http ? [] : turnHeaderOn(balancer, [instancePort]),
    turnOff: turnHeaderOff(balancer, instancePort),
    targetGroupArn: undefined,
  };
}

const SENT: Readonly<Record<'on' | 'off' | 'unknown', SentHeader>> = { on: 'v1', off: 'none', unknown: 'unknown' };
