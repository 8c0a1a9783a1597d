/** Attributes of target groups by which connections of a Network Load Balancer differ; a Service sets them by annotation. */
import type { TargetGroup } from './estate.js';
import type { SentHeader } from './flow.js';

export const PROXY_PROTOCOL = 'proxy_protocol_v2.enabled';
export const PRESERVE_CLIENT_IP = 'preserve_client_ip.enabled';
/** Seconds. */
export const DEREGISTRATION_DELAY = 'deregistration_delay.timeout_seconds';
export const UNHEALTHY_TERMINATION = 'target_health_state.unhealthy.connection_termination.enabled';

/** Whether the balancer sends a PROXY header to the group; undefined: its attributes were not given. */
export function sendsHeader(group: TargetGroup): boolean | undefined {
  return isOn(group, PROXY_PROTOCOL, false);
}

/** The header that the attributes of a group come to. */
export function headerTo(group: TargetGroup): SentHeader {
  const on = sendsHeader(group);
  return on === undefined ? 'unknown' : on ? 'v2' : 'none';
}

/** An attribute that is true or false; `otherwise` is AWS's default. Undefined: no attribute was given. */
export function isOn(group: TargetGroup, key: string, otherwise: boolean): boolean | undefined {
  if (group.attributes === undefined) return undefined;
  const value = group.attributes.get(key)?.value;
  return value === undefined ? otherwise : value === 'true';
}

/** An attribute in seconds; `otherwise` is AWS's default. Undefined: no attribute was given, or it is no number. */
export function secondsOf(group: TargetGroup, key: string, otherwise: number): number | undefined {
  if (group.attributes === undefined) return undefined;
  const text = group.attributes.get(key)?.value;
  const seconds = text === undefined ? otherwise : Number.parseInt(text, 10);
  return Number.isNaN(seconds) ? undefined : seconds;
}
