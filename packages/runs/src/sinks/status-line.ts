// One line of status: on a terminal it rewrites itself, elsewhere (a file, a pipe) it is printed now and then.

/** Where progress goes: the process's standard error in the command line, a string in tests. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** Makes the status lines of a run that shares its output with others (`shareOutput`), which say whose they are. */
  createStatusLine?(): StatusLine;
  write(text: string): void;
}

export interface StatusLine {
  /** Shows `text()` if the last one has been shown long enough. Called every step: the text is only made when it is shown. */
  update(text: (columns?: number) => string): void;
  /** Shows a status now. */
  show(text: (columns?: number) => string): void;
  /** Prints a line above the status. */
  log(line: string): void;
  /** Removes the status from a terminal. */
  clear(): void;
  /** Leaves the status where it is; what is printed next starts on a new line. */
  end(): void;
}

/** How often a line on a terminal changes. */
export const TERMINAL_PERIOD_MS = 200;
const LINE_PERIOD_MS = 10_000;

/** The text functions get the terminal's columns, or undefined where lines may have any length. */
export function createStatusLine(output: ProgressOutput): StatusLine {
  if (output.createStatusLine !== undefined) return output.createStatusLine();
  const isTerminal = output.isTTY === true;
  const periodMs = isTerminal ? TERMINAL_PERIOD_MS : LINE_PERIOD_MS;
  let shownAtMs = performance.now() - (isTerminal ? periodMs : 0);
  let isShown = false;
  const show = (text: (columns?: number) => string): void => {
    shownAtMs = performance.now();
    if (isTerminal) {
      const columns = output.columns ?? 100;
      output.write(`\r\u001b[2K${text(columns).slice(0, Math.max(0, columns - 1))}`);
      isShown = true;
    } else output.write(`${text()}\n`);
  };
  const clear = (): void => {
    if (isShown) output.write('\r\u001b[2K');
    isShown = false;
  };
  return {
    update(text) {
      if (performance.now() - shownAtMs >= periodMs) show(text);
    },
    show,
    log(line) {
      clear();
      output.write(`${line}\n`);
    },
    clear,
    end() {
      if (isShown) output.write('\n');
      isShown = false;
    },
  };
}
