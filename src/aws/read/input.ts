/** What is given to be read, and what could not be. */

export interface InputFile {
  /** As on the command line; `-`: standard input. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** `--target-group ARN=FILE`, `--listener ARN=FILE`, `--load-balancer NAME=FILE`: whose a document is that doesn't say so. */
export interface Assignment {
  /** An ARN or a name. */
  readonly of: string;
  /** The name of one of the files. */
  readonly file: string;
}

/** Something in a file that was not understood; what stands around it counts nevertheless. */
export interface InputProblem {
  readonly file: string;
  /** From 0. */
  readonly document: number;
  /** From 1; 0: there is no line to point at. */
  readonly line: number;
  /** One sentence; pieces of the file in it are short. */
  readonly message: string;
}
