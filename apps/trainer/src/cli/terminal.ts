// What the commands share when they talk to people: printing, the name of the program, and stopping on Ctrl-C.

/** How to call this program again: through npm's script inside the repository, by its name elsewhere. */
export function programName(): string {
  const script = process.env.npm_lifecycle_event;
  return script === 'start' || script === 'trainer' ? 'npm run trainer --' : 'moe-rl';
}

/** Prints a line to standard output. */
export function print(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Prints a line to standard error: for what is not the command's result. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Runs `work` with a signal that Ctrl-C (or SIGTERM) aborts, so that it can end cleanly; a second Ctrl-C ends the process at once, which loses nothing but what
 * came after the last checkpoint.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  announcement = 'stopping after this step and saving',
): Promise<T> {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED_EXIT_CODE);
    controller.abort();
    note(`\n${announcement}; press Ctrl-C again to stop at once`);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** What shells use for a process ended by SIGINT. */
export const INTERRUPTED_EXIT_CODE = 130;
