/** What usher's cookie says: a token for each endpoint of a backend. */
import { createHmac, randomBytes } from 'node:crypto';

/** For backends without a secret: lasts as long as the process, over every reload. */
const PROCESS_SECRET = randomBytes(32);

/** 128 bits, as 22 characters. */
const TOKEN_BYTES = 16;

/**
 * Tokens name the endpoints of one backend without telling their addresses: HMAC-SHA256 (RFC 2104) of
 * `backend LF label`, cut to 16 bytes, in base64url. Every usher with the same secret gives the same ones.
 *
 * A token is looked up among those of the endpoints that there are, and of those that DNS leaves out for now, so that a
 * made-up one names nothing, and none can be turned into an address. The look-up does not take constant time and need
 * not: whoever guessed a token would reach an endpoint that is open to every client anyway.
 */
export class Tokens<E extends { readonly label: string }> {
  private readonly secret: string | Buffer;
  private byToken: ReadonlyMap<string, E> = new Map();
  private byLabel: ReadonlyMap<string, string> = new Map();

  /**
   * @param backend its name, without line feed
   * @param secret undefined: one of this process
   */
  constructor(
    private readonly backend: string,
    secret: string | undefined,
  ) {
    this.secret = secret ?? PROCESS_SECRET;
  }

  /** From now on these are the endpoints; labels are unique. */
  swap(endpoints: readonly E[]): void {
    const named = endpoints.map(endpoint => ({ endpoint, token: this.tokenFor(endpoint) }));
    this.byToken = new Map(named.map(({ endpoint, token }) => [token, endpoint]));
    this.byLabel = new Map(named.map(({ endpoint, token }) => [endpoint.label, token]));
  }

  /** The token of an endpoint, also of one that has gone. */
  tokenFor({ label }: Pick<E, 'label'>): string {
    return this.byLabel.get(label) ?? this.sign(label);
  }

  /**
   * The endpoint that the first of these tokens that names one names; undefined: none that there is now.
   * @param session one token, or several with a space between two
   */
  find(session: string): E | undefined {
    if (!session.includes(' ')) return this.byToken.get(session);
    const known = session.split(' ').find(token => this.byToken.has(token));
    return known === undefined ? undefined : this.byToken.get(known);
  }

  /** The token that a client should get for its next request; undefined: what it sent leads to this endpoint already. */
  missing(endpoint: Pick<E, 'label'>, session: string | undefined): string | undefined {
    const token = this.tokenFor(endpoint);
    if (session === token || (session !== undefined && this.find(session)?.label === endpoint.label)) return undefined;
    return token;
  }

  private sign(label: string): string {
    const digest = createHmac('sha256', this.secret).update(`${this.backend}\n${label}`).digest();
    return digest.toString('base64url', 0, TOKEN_BYTES);
  }
}
