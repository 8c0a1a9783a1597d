#!/usr/bin/env node
/** Starts it all. */
import { main } from './cli/program.js';

process.exitCode = await main(process.argv.slice(2), process);
