// A logger: one metric of a run as CSV. `moe-rl train --module docs/extending/csv-logger.mjs --set sinks.csv.isOn=true`.
// What getState gives is kept with each checkpoint: a run that goes on from there makes the rows behind it again, so they are cut off first.
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

function openCsv(file, tag) {
  let isNew = true;
  let lost;
  const append = (text) => {
    if (isNew) writeFileSync(file, `agentSteps,${tag}\n`);
    isNew = false;
    appendFileSync(file, text);
    return { bytes: statSync(file).size };
  };
  return {
    write: ({ agentSteps, values }) => void (tag in values && append(`${agentSteps},${values[tag]}\n`)),
    getState: () => append(''),
    setState(state) {
      const before = state?.bytes ?? 0;
      const content = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
      // Somebody may have deleted or cut the file: then its whole lines are kept.
      const kept = content.length < before ? content.lastIndexOf('\n') + 1 : before;
      isNew = kept === 0;
      if (!isNew) truncateSync(file, kept);
      if (kept < before)
        lost = `${file} lacks ${before - kept} bytes that it had at the checkpoint: these rows are lost`;
    },
    // Told to people when the run goes on.
    lost: () => lost,
  };
}

export function register({ sinks, setting }) {
  const settings = { tag: setting.text('Metric to write', 'episode/return') };
  const create = (request) => openCsv(join(request.runFolder, 'metric.csv'), request.settings.tag);
  sinks.register('csv', { description: 'One metric as CSV', settings, create });
}
