// The process that measures one backend, a child of whoever compares them: gets the agent as a message, makes it over made-up transitions, and answers with what its
// steps take.
import { createValueAgent, type ValueAgent } from '@moe-rl/agents';
import { createRng, elementCount } from '@moe-rl/core';
import { openBackend } from './backend.ts';
import type { MeasureTask } from './backends/measure.ts';
import type { BackendMeasurement, EntryPointTime } from './backends/measurement.ts';

/** Later calls are made for this long, at least as many and at most so many; their median counts. */
const CALLS = { ms: 800, least: 3, most: 50 };

process.once('message', (task: MeasureTask) => {
  measure(task)
    .catch(
      (error: Error): BackendMeasurement => ({
        backend: task.backend,
        version: task.version,
        reason: error.message.split('\n', 1)[0]!,
      }),
    )
    .then((measurement) => process.send?.(measurement, () => process.exit(0)));
});
process.on('disconnect', () => process.exit(1));

async function measure({ backend, version, threads, ...given }: MeasureTask): Promise<BackendMeasurement> {
  await openBackend({ backend, threads }, () => {});
  const { config, observationSpec, actionCount } = given;
  const { batchSize, updateHorizon } = config.agent;
  const capacity = 2 * (batchSize + updateHorizon) + 20 * observationSpec.stackSize;
  const small = { ...config, replay: { ...config.replay, capacity: Math.min(capacity, config.replay.capacity) } };
  const agent = await createValueAgent({ config: small, environment: { observationSpec, actionCount }, seed: 1 });
  const observation = fill(agent, given);
  // Act first: where an engine compiles in the background, learning is what is waited for.
  const act = await timesOf(() => agent.values(observation));
  const learn = await timesOf(() => agent.learn());
  return { backend, version, learn, act };
}

/** Random transitions in episodes of 20; returns an observation. */
function fill(
  agent: ValueAgent,
  { observationSpec, actionCount }: Pick<MeasureTask, 'observationSpec' | 'actionCount'>,
) {
  const rng = createRng(1, 'measure');
  const { frameShape, stackSize, dtype } = observationSpec;
  const size = elementCount(frameShape) * stackSize;
  const draw = () =>
    dtype === 'uint8'
      ? Uint8Array.from({ length: size }, () => rng.nextInteger(256))
      : Float32Array.from({ length: size }, () => rng.nextFloat());
  const observation = draw();
  for (let step = 1; step < agent.replay.capacity; step++) {
    agent.replay.add({
      observation,
      action: rng.nextInteger(actionCount),
      reward: rng.nextFloat(),
      terminated: step % 20 === 0,
      truncated: false,
    });
  }
  return observation;
}

async function timesOf(call: () => Promise<unknown>): Promise<EntryPointTime> {
  const once = async (): Promise<number> => {
    const start = performance.now();
    await call();
    return performance.now() - start;
  };
  const firstMs = await once();
  const times: number[] = [];
  const start = performance.now();
  while (times.length < CALLS.least || (times.length < CALLS.most && performance.now() - start < CALLS.ms)) {
    times.push(await once());
  }
  times.sort((a, b) => a - b);
  return { firstMs, ms: times[times.length >> 1]! };
}
