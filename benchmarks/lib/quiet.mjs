// How much of the machine other programs used while a benchmark ran. Linux only (from /proc); elsewhere it reports 0.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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
  const own = ownTicks();
  return { total, busy: total - idle, own, processors: cpus().length };
}

/** Time of this process and of all below it. A parent's own numbers hold a child's only once the child has ended and was waited for; peers may still run. */
function ownTicks() {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const ticks = fields.slice(11, 15).reduce((sum, value) => sum + Number(value), 0);
        return { pid: Number(pid), parent: Number(fields[1]), ticks };
      } catch {
        // It has ended meanwhile.
        return { pid: -1, parent: -2, ticks: 0 };
      }
    });
  const sumBelow = (parent) =>
    processes.filter((each) => each.parent === parent).reduce((sum, each) => sum + each.ticks + sumBelow(each.pid), 0);
  const self = processes.find(({ pid }) => pid === process.pid);
  return self.ticks + sumBelow(process.pid);
}
