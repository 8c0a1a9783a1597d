/** Which backend a request is for: pure. */
import type { RouteSettings } from '../settings.js';

/**
 * The first route that matches, in the order given (with a host before without, longer path first).
 * @param host Host value, with port or without; undefined: none was sent
 * @param target origin form, or `*`
 * @returns the name of the backend; undefined: none matches
 */
export function matchRoute(
  routes: readonly RouteSettings[],
  host: string | undefined,
  target: string,
): string | undefined {
  const [only] = routes;
  if (routes.length === 1 && only?.path === '/' && only.host === undefined) return only.backend;
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  const name = host === undefined ? undefined : hostName(host);
  return routes.find(route => isUnder(route.path, path) && (route.host === undefined || route.host === name))?.backend;
}

/** `/room` covers `/room` and `/room/7`, not `/roommate`; `/` covers everything, `*` too. */
function isUnder(prefix: string, path: string): boolean {
  if (prefix === '/') return true;
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || prefix.endsWith('/') || path[prefix.length] === '/';
}

/** Lower case, without port; brackets of an IPv6 address stay. */
function hostName(host: string): string {
  return host.replace(/:[0-9]*$/, '').toLowerCase();
}
