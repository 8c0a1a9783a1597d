/** The configuration file of a running usher: loaded again and again, and looked at for news in between. */
import { createHash } from 'node:crypto';
import { type ConfigResult, loadConfigFile, loadConfigFileSync, readConfigFile } from './load.js';

export class ConfigFile {
  /** Of what was loaded last, good or bad. */
  private loaded: string | undefined;

  constructor(readonly path: string) {}

  loadSync(): ConfigResult {
    return loadConfigFileSync(this.path, undefined, this.note);
  }

  load(): Promise<ConfigResult> {
    return loadConfigFile(this.path, this.note);
  }

  /** Names what it holds, when that isn't what was loaded last. Rejects where it can't be read. */
  async news(): Promise<string | undefined> {
    const digest = digestOf(await readConfigFile(this.path));
    return digest === this.loaded ? undefined : digest;
  }

  private readonly note = (bytes: Uint8Array): void => {
    this.loaded = digestOf(bytes);
  };
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}
