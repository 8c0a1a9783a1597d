/** As much of autocannon as the benchmark uses. */
declare module 'autocannon' {
  interface Options {
    readonly url: string;
    readonly connections: number;
    /** Seconds. */
    readonly duration: number;
    readonly expectBody: string;
    /** Called with each connection's client before it connects. */
    setupClient(client: object): void;
  }

  interface Result {
    readonly '2xx': number;
    readonly non2xx: number;
    /** Failed connections and timeouts. */
    readonly errors: number;
    /** Answers with another body. */
    readonly mismatches: number;
  }

  export default function autocannon(options: Options): Promise<Result>;
}
