/** `usher demo`: what `npm start` runs. */
import { stopOnSignals } from '../control/signals.js';
import { demo } from '../demo/demo.js';
import { EXIT } from './exit-codes.js';
import { startFromFile } from './run.js';

/** Runs the demo until a signal ends it; answers the exit code. */
export async function runDemo(configFile: string, process: NodeJS.Process): Promise<number> {
  let stopped = Promise.resolve();
  const run = async (file: string) => {
    const usher = await startFromFile(file, process);
    stopped = usher.stopped;
    return usher;
  };
  const running = await demo({ run, configFile, io: process });
  if (running.kind === 'failed') return running.exitCode;
  const close = () => running.close();
  await Promise.race([stopOnSignals({ drain: close, close }), stopped.then(close)]);
  return EXIT.fine;
}
