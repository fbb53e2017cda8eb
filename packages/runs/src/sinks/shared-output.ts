// Several runs that show how they go on one output: on a terminal their statuses stand side by side in one line, elsewhere each line says whose it is.
import { createStatusLine, type ProgressOutput, type StatusLine, TERMINAL_PERIOD_MS } from './status-line.ts';

export interface SharedOutput {
  /** One for each name, in their order. */
  readonly outputs: readonly ProgressOutput[];
  /** Lets `work` print lines of its own, which may go to the same terminal: the status gives way and comes back below. */
  aside(work: () => void): void;
}

const SEPARATOR = ' | ';

/**
 * Shares an output among runs.
 * @param noun what the names are of: `seed` and `3` make `seed 3: ` the beginning of a line
 */
export function shareOutput(output: ProgressOutput, noun: string, names: readonly string[]): SharedOutput {
  const lead = (name: string): string => `${noun} ${name}: `;
  if (output.isTTY !== true) {
    const outputs = names.map((name): ProgressOutput => {
      // Whole lines come here, one at a time.
      const write = (text: string): void => output.write(`${lead(name)}${text}`);
      return { write, createStatusLine: () => createStatusLine({ write }) };
    });
    return { outputs, aside: (work) => work() };
  }

  /** What is shown now, by the run's place. */
  const statuses = new Map<number, string>();
  let isShown = false;
  const erase = (): void => {
    if (isShown) output.write('\r\u001b[2K');
    isShown = false;
  };
  const draw = (): void => {
    if (statuses.size === 0) {
      erase();
      return;
    }
    const width = Math.max(0, (output.columns ?? 100) - 1);
    const separators = SEPARATOR.length * (statuses.size - 1);
    const share = Math.floor((width - noun.length - 1 - separators) / statuses.size);
    const parts = [...statuses]
      .sort(([one], [other]) => one - other)
      .map(([place, text]) => fitting(`${names[place]}: ${text}`, share));
    output.write(`\r\u001b[2K${`${noun} ${parts.join(SEPARATOR)}`.slice(0, width)}`);
    isShown = true;
  };
  const aside = (work: () => void): void => {
    erase();
    work();
    draw();
  };
  const createMember = (place: number): StatusLine => {
    let shownAtMs = Number.NEGATIVE_INFINITY;
    const show = (text: (columns?: number) => string): void => {
      shownAtMs = performance.now();
      statuses.set(place, text());
      draw();
    };
    const print = (line: string): void => aside(() => output.write(`${lead(names[place]!)}${line}\n`));
    return {
      update(text) {
        if (performance.now() - shownAtMs >= TERMINAL_PERIOD_MS) show(text);
      },
      show,
      log: print,
      clear() {
        if (statuses.delete(place)) draw();
      },
      end() {
        const last = statuses.get(place);
        if (last === undefined) return;
        statuses.delete(place);
        print(last);
      },
    };
  };
  return {
    outputs: names.map((_, place) => ({
      write: (text) => aside(() => output.write(text)),
      createStatusLine: () => createMember(place),
    })),
    aside,
  };
}

/** As many of a status's parts as fit, which have two spaces or a comma between them; its first one always. */
function fitting(text: string, width: number): string {
  const parts = text.split(/(?= {2}|, )/);
  while (parts.length > 1 && parts.join('').length > width) parts.pop();
  return parts.join('');
}
