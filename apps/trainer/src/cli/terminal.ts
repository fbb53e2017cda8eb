// What the commands share when they talk to people: printing, the name of the program, and stopping on Ctrl-C.

/** How to call this program again: through npm's script inside the repository, by its name elsewhere. */
export function programName(): string {
  const script = process.env.npm_lifecycle_event;
  return script === 'start' || script === 'trainer' ? 'npm run trainer --' : 'moe-rl';
}

/** A value of a command line that is printed to be copied: in quotes where a shell would take it apart. */
export function quoted(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Prints a line to standard output. */
export function print(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Prints a line to standard error: for what is not the command's result. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** What stops a command that is under way; exit codes are 128 + the signal's number, as shells have it. */
const STOP_SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

let stopCode: number = STOP_SIGNALS.SIGINT;

/** Exit code of a command that was stopped: that of the signal that did it. */
export function stoppedExitCode(): number {
  return stopCode;
}

/**
 * Runs `work` with a signal that Ctrl-C (SIGTERM, a closed terminal) aborts, so that it can end cleanly; a second one ends the process at once, which loses
 * nothing but what came after the last checkpoint.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  announcement = 'stopping after this step and saving',
): Promise<T> {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(stopCode);
    stopCode = STOP_SIGNALS[name as keyof typeof STOP_SIGNALS];
    // A terminal that is gone can't be written to; that must not end the process before it has saved.
    if (name === 'SIGHUP') for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
    controller.abort();
    note(`\n${announcement}${name === 'SIGINT' ? '; press Ctrl-C again to stop at once' : ''}`);
  };
  for (const name of Object.keys(STOP_SIGNALS)) process.on(name, onSignal);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of Object.keys(STOP_SIGNALS)) process.off(name, onSignal);
  }
}

/** Whether SIGUSR1 came since this was asked last: it asks a training run for a checkpoint. */
export function watchCheckpointRequests(): { readonly isRequested: () => boolean; readonly stop: () => void } {
  let isRequested = false;
  const onSignal = (): void => {
    isRequested = true;
    note('\nsaving a checkpoint, as SIGUSR1 asks for, and going on');
  };
  process.on('SIGUSR1', onSignal);
  return {
    isRequested: () => {
      const was = isRequested;
      isRequested = false;
      return was;
    },
    stop: () => process.off('SIGUSR1', onSignal),
  };
}
