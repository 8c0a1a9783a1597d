/** Every port that usher binds or dials, each given once. */
const LAST_PORT = 65_535;

export class Ports {
  readonly #taken = new Set<number>();
  readonly #avoided: ReadonlySet<number>;

  /** @param avoided never chosen here, but taken where somebody names them. */
  constructor(avoided: Iterable<number>) {
    this.#avoided = new Set(avoided);
  }

  has(port: number): boolean {
    return this.#taken.has(port);
  }

  take(port: number): number {
    this.#taken.add(port);
    return port;
  }

  /** Takes the first free one from `start` on. */
  next(start: number): number {
    let port = start;
    while (this.#taken.has(port) || this.#avoided.has(port)) port = port === LAST_PORT ? 1 : port + 1;
    return this.take(port);
  }
}
