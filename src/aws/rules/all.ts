/** Every rule, in the order in which they are listed. */
import type { Rule } from '../finding.js';
import { clbConnectionDraining } from './clb-connection-draining.js';
import { clbHttpListener } from './clb-http-listener.js';
import { clbIdleTimeout } from './clb-idle-timeout.js';
import { clbMixedInstancePort } from './clb-mixed-instance-port.js';
import { clbPoliciesUnknown } from './clb-policies-unknown.js';
import { clbPolicyDisabled } from './clb-policy-disabled.js';
import { clbPolicyUnattached } from './clb-policy-unattached.js';
import { clbPolicyWithoutListener } from './clb-policy-without-listener.js';
import { clbSecureMix } from './clb-secure-mix.js';
import { clbSharedInstancePort } from './clb-shared-instance-port.js';
import { clbTrustedOpen } from './clb-trusted-open.js';
import { ecsPortMissing, ecsPortOfApplication } from './ecs-ports.js';
import { ecsFargateStopTimeout, ecsNotEssential, ecsStopOrder, ecsStopTimeout } from './ecs-stop.js';
import { forwardedProto } from './forwarded-proto.js';
import { headerMixedPort } from './header-mixed-port.js';
import { headerNotExpected } from './header-not-expected.js';
import { headerNotSent } from './header-not-sent.js';
import { healthCheckHeader, healthCheckRefused, healthCheckTls } from './health-check-header.js';
import { healthCheckBypassesUsher, healthCheckUnreachable } from './health-check-port.js';
import { kubernetesConflict, kubernetesHttpProtocol, kubernetesProxyProtocolValue } from './kubernetes-header.js';
import { kubernetesHeaderIgnored } from './kubernetes-header-ignored.js';
import { kubernetesTrafficPolicy } from './kubernetes-traffic-policy.js';
import { nlbAttributesUnknown, nlbClientIpLost } from './nlb-header.js';
import { nlbConnectionTermination, nlbDeregistrationDelay, nlbIdleTimeout } from './nlb-lifetime.js';
import { nlbApplicationBalancer, nlbTargetType, nlbUdp } from './nlb-protocols.js';
import { nlbTrustedOpen, nlbTrustedSources } from './nlb-trust.js';
import { nlbUnhealthyTermination } from './nlb-unhealthy-termination.js';
import { portBypassesUsher } from './port-bypasses-usher.js';
import { portElsewhere } from './port-elsewhere.js';
import { portGetsTls } from './port-gets-tls.js';
import { portListenLoopback } from './port-listen-loopback.js';
import { portNotForwarded } from './port-not-forwarded.js';
import { portNotListened } from './port-not-listened.js';

export const RULES: readonly Rule[] = [
  clbConnectionDraining,
  clbHttpListener,
  clbIdleTimeout,
  clbMixedInstancePort,
  clbPoliciesUnknown,
  clbPolicyDisabled,
  clbPolicyUnattached,
  clbPolicyWithoutListener,
  clbSecureMix,
  clbSharedInstancePort,
  clbTrustedOpen,
  forwardedProto,
  headerMixedPort,
  headerNotExpected,
  headerNotSent,
  portBypassesUsher,
  portListenLoopback,
  portElsewhere,
  portNotForwarded,
  portNotListened,
  portGetsTls,
  nlbAttributesUnknown,
  nlbClientIpLost,
  nlbIdleTimeout,
  nlbDeregistrationDelay,
  nlbConnectionTermination,
  nlbUdp,
  nlbTargetType,
  nlbApplicationBalancer,
  nlbTrustedSources,
  nlbTrustedOpen,
  nlbUnhealthyTermination,
  healthCheckHeader,
  healthCheckRefused,
  healthCheckTls,
  healthCheckUnreachable,
  healthCheckBypassesUsher,
  ecsPortMissing,
  ecsPortOfApplication,
  ecsNotEssential,
  ecsStopOrder,
  ecsStopTimeout,
  ecsFargateStopTimeout,
  kubernetesProxyProtocolValue,
  kubernetesHttpProtocol,
  kubernetesConflict,
  kubernetesHeaderIgnored,
  kubernetesTrafficPolicy,
];
