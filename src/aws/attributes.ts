/** Attributes of target groups by which connections of a Network Load Balancer differ; a Service sets them by annotation. */

export const PROXY_PROTOCOL = 'proxy_protocol_v2.enabled';
export const PRESERVE_CLIENT_IP = 'preserve_client_ip.enabled';
/** Seconds. */
export const DEREGISTRATION_DELAY = 'deregistration_delay.timeout_seconds';
export const UNHEALTHY_TERMINATION = 'target_health_state.unhealthy.connection_termination.enabled';
