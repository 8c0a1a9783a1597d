/** `usher demo`: what `npm start` runs. */
import { stopOnSignals } from '../control/signals.js';
import { demo } from '../demo/demo.js';
import { EXIT } from './exit-codes.js';
import { startFromFile } from './run.js';

/** Runs the demo until a signal ends it; answers the exit code. */
export async function runDemo(configFile: string, process: NodeJS.Process): Promise<number> {
  const running = await demo({ run: file => startFromFile(file, process), configFile, io: process });
  if (running.kind === 'failed') return running.exitCode;
  await stopOnSignals({ drain: () => running.close(), close: () => running.close() });
  return EXIT.fine;
}
