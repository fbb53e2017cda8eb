#!/usr/bin/env node
// The `moe-rl` program.
import { main } from './cli/main.ts';

// A reader that has seen enough (`| head`) is no reason for a command to fail, or for training to stop.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

// No top-level await: this file is built as CommonJS too.
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
