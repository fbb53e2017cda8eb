#!/usr/bin/env node
// The `moe-rl` program.
import { main } from './cli/main.ts';

process.exitCode = await main(process.argv.slice(2));
