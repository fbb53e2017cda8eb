// Runs the command line and turns every failure made on purpose into one message and exit code 2. Only a bug, ours or that of a module, shows a stack trace.
import { readFileSync } from 'node:fs';
import { isMoeRlError } from '@moe-rl/core';
import { moduleAtFault } from '@moe-rl/runs';
import { CommanderError } from 'commander';
import { buildProgram } from './program.ts';
import { note, stoppedExitCode } from './terminal.ts';

/** Exit code of a failure that the user can do something about. */
const BAD_INPUT_EXIT_CODE = 2;

/** Runs the program with arguments as in `process.argv.slice(2)`. Returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    await buildProgram(packageVersion()).parseAsync(args, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_INPUT_EXIT_CODE;
    if (isMoeRlError(error)) {
      note(`moe-rl: ${error.message}`);
      return BAD_INPUT_EXIT_CODE;
    }
    // Ctrl-C and its like, which `interruptible` has acknowledged.
    if (error instanceof DOMException && error.name === 'AbortError') return stoppedExitCode();
    const module = moduleAtFault(error);
    const whose =
      module === undefined ? 'this is a bug in moe-rl, please report it' : `an error in the module ${module}`;
    note(`moe-rl: ${whose}\n${error instanceof Error ? error.stack : String(error)}`);
    return 1;
  }
}

/** The package's own package.json is one folder up from dist/, two from src/cli/. */
function packageVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const manifest = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
        name: string;
        version: string;
      };
      if (manifest.name === '@moe-rl/trainer') return manifest.version;
    } catch {
      // not there: try the other
    }
  }
  return 'unknown';
}
