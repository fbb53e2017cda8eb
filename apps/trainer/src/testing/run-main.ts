// Runs the program within the test's process: for input that is refused, where a process of its own would only take time.
import { main } from '../cli/main.ts';
import type { CliResult } from './spawn-cli.ts';

/** Runs `main` in `cwd` and gives what it wrote. Not for several at once. */
export async function runMain(args: readonly string[], cwd: string): Promise<CliResult> {
  const before = process.cwd();
  const written = { stdout: '', stderr: '' };
  const streams = ['stdout', 'stderr'] as const;
  const originals = streams.map((name) => process[name].write);
  process.chdir(cwd);
  for (const name of streams) {
    process[name].write = (chunk: string | Uint8Array) => {
      written[name] += String(chunk);
      return true;
    };
  }
  try {
    return { code: await main(args), signal: null, ...written };
  } finally {
    streams.forEach((name, index) => {
      process[name].write = originals[index]!;
    });
    process.chdir(before);
    process.exitCode = 0;
  }
}
