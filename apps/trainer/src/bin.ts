#!/usr/bin/env node
// The `moe-rl` program.
import { main } from './cli/main.ts';

// No top-level await: this file is built as CommonJS too.
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
