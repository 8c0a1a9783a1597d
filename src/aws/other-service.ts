/** Listeners that are plainly another service's: no web application stands behind them. */
import type { Flow } from './flow.js';

/** By the port that clients dial; a listener on 22 beside sshd could not even be bound. */
const SERVICES: ReadonlyMap<number, string> = new Map([
  [22, 'SSH'],
  [25, 'SMTP'],
  [465, 'SMTP'],
  [587, 'SMTP'],
  [3306, 'MySQL'],
  [3389, 'RDP'],
  [5432, 'PostgreSQL'],
  [6379, 'Redis'],
]);

/** `SMTP` for a listener on 465 which does not read HTTP; undefined where it may be a web application's. */
export function otherService({ frontPort, frontProtocol }: Flow): string | undefined {
  return frontPort === undefined || frontProtocol === 'HTTP' ? undefined : SERVICES.get(frontPort);
}
