/**
 * The access log: one line for each exchange and one for each closed tunnel. Targets come from the network as they
 * are; the logger escapes them (see log.ts).
 */
import type { Logger } from 'pino';
import { formatHostPort } from '../address.js';
import type { ExchangeRecord, Observer, TunnelRecord } from '../observer.js';
import { silent } from './silent.js';

/**
 * An observer that writes the access log. Its lines carry `log: "access"` and are written whatever the level of the
 * logger is: switching the access log on is a decision of its own.
 */
export function createAccessLog(logger: Logger): Observer {
  const lines = logger.child({ log: 'access' }, { level: 'info' });
  return {
    ...silent,
    exchangeEnded: exchange => lines.info(exchangeFields(exchange), exchange.upgraded ? 'upgrade' : 'exchange'),
    tunnelClosed: tunnel => lines.info(tunnelFields(tunnel), 'tunnel'),
  };
}

/** Fields without a value (`undefined`) are left out of the line by the logger. */
function exchangeFields(exchange: ExchangeRecord): object {
  const { connection } = exchange;
  return {
    client: formatHostPort(connection.client.address, connection.client.port),
    peer: formatHostPort(connection.peer.address, connection.peer.port),
    connection: connection.id,
    listener: connection.listener,
    backend: exchange.backend,
    endpoint: exchange.endpoint,
    method: exchange.method,
    target: exchange.target,
    status: exchange.status,
    code: exchange.code,
    bytesToBackend: exchange.bytesToBackend,
    bytesToClient: exchange.bytesToClient,
    durationMs: tenths(exchange.durationMs),
  };
}

function tunnelFields(tunnel: TunnelRecord): object {
  const { connection } = tunnel;
  return {
    client: formatHostPort(connection.client.address, connection.client.port),
    peer: formatHostPort(connection.peer.address, connection.peer.port),
    connection: connection.id,
    listener: connection.listener,
    backend: tunnel.backend,
    endpoint: tunnel.endpoint,
    code: tunnel.code,
    bytesToBackend: tunnel.bytesToBackend,
    bytesToClient: tunnel.bytesToClient,
    durationMs: tenths(tunnel.durationMs),
  };
}

function tenths(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
