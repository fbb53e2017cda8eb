// A logger: one metric of a run as CSV. `moe-rl train --module docs/extending/csv-logger.mjs --set sinks.csv.isOn=true`.
// What getState gives is kept with each checkpoint: a run that goes on from there makes the rows behind it again, so they are cut off first.
import { appendFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

function openCsv(file, tag) {
  let isNew = true;
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
      isNew = state === undefined;
      if (!isNew) truncateSync(file, state.bytes);
    },
  };
}

export function register({ sinks, setting }) {
  const settings = { tag: setting.text('Metric to write', 'episode/return') };
  const create = (request) => openCsv(join(request.runFolder, 'metric.csv'), request.settings.tag);
  sinks.register('csv', { description: 'One metric as CSV', settings, create });
}
