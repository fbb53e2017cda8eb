// The command line: builds the program, runs it, and turns every failure made on purpose into one message and exit code 2. Only a bug shows a stack trace.
import { createRequire } from 'node:module';
import { isMoeRlError } from '@moe-rl/core';
import { Command, CommanderError } from 'commander';
import { addDoctorCommand } from './doctor.ts';
import { addEvaluateCommand } from './evaluate.ts';
import { addPlayCommand } from './play.ts';
import { addPresetsCommand } from './presets.ts';
import { addQuickstartCommand } from './quickstart.ts';
import { addRomsCommand } from './roms.ts';
import { note } from './terminal.ts';
import { addTrainCommand } from './train.ts';

/** Exit code of a failure that the user can do something about. */
const BAD_INPUT_EXIT_CODE = 2;

/** Runs the program with arguments as in `process.argv.slice(2)`. Returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const program = buildProgram();
  try {
    await program.parseAsync(args, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_INPUT_EXIT_CODE;
    if (isMoeRlError(error)) {
      note(`moe-rl: ${error.message}`);
      return BAD_INPUT_EXIT_CODE;
    }
    note(`moe-rl: this is a bug in moe-rl, please report it\n${error instanceof Error ? error.stack : String(error)}`);
    return 1;
  }
}

function buildProgram(): Command {
  const program = new Command('moe-rl')
    .description('Trains deep reinforcement learning agents with Mixtures of Experts.')
    .version(packageVersion())
    .showHelpAfterError('(add --help for the options)')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'moe-rl: ')) });
  const commands = [
    addQuickstartCommand,
    addTrainCommand,
    addEvaluateCommand,
    addPlayCommand,
    addPresetsCommand,
    addRomsCommand,
    addDoctorCommand,
  ];
  for (const add of commands) {
    const command = add(program);
    command.exitOverride();
  }
  return program;
}

function packageVersion(): string {
  return (createRequire(import.meta.url)('../../package.json') as { version: string }).version;
}
