// How much of the machine other programs used while a benchmark ran. Linux only (from /proc); elsewhere it reports 0.
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Starts measuring; `stop()` returns the share of all processors (0 to 1) used by programs other than this one and its children. */
export function otherProcessorUse() {
  const before = sample();
  return {
    stop() {
      const after = sample();
      if (before === undefined || after === undefined) return 0;
      const ticks = after.total - before.total;
      return ticks <= 0 ? 0 : Math.max(0, (after.busy - before.busy - (after.own - before.own)) / ticks);
    },
  };
}

function sample() {
  if (!existsSync('/proc/stat')) return undefined;
  const fields = readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/).slice(1, 9).map(Number);
  const total = fields.reduce((sum, value) => sum + value, 0);
  const idle = fields[3] + fields[4];
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const own = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number)
    .reduce((sum, value) => sum + value, 0);
  return { total, busy: total - idle, own, processors: cpus().length };
}
