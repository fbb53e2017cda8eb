// Compiles presets' training steps for an NVIDIA GPU that need not be there, by the CUDA plugin's description of it. Seen so: that XLA takes every step, how long it
// compiles, and that state stays in place on the device: a result takes over the memory of the argument that it replaces.

/** What a preset's agent sees and does. */
export function presetEnvironment(name) {
  return /classic/.test(name)
    ? { observationSpec: { frameShape: [4], stackSize: 1, dtype: 'float32' }, actionCount: 2 }
    : { observationSpec: { frameShape: [84, 84], stackSize: 4, dtype: 'uint8' }, actionCount: 6 };
}

const ENTRY_POINTS = ['learn', 'act'];
const BYTES = { f32: 4, i32: 4, ui8: 1, i1: 1 };

/**
 * Prints a line per preset and `N passed, N failed`.
 * @param {{ gpu: string, presets?: readonly string[] }} options `gpu`: as the plugin names it; default of `presets`: all
 */
export async function compileForCuda({ gpu, presets }) {
  const { createAgent, listPresets } = await import('../../packages/agents/src/index.ts');
  const { AheadOfTimeCompiler } = await import('../../packages/pjrt/src/client/ahead-of-time.ts');
  const { installPlugin } = await import('../../packages/pjrt/src/plugins/install.ts');
  const { pluginOfUser } = await import('../../packages/pjrt/src/plugins/locate.ts');
  const { cuda13Compiler } = await import('../../packages/pjrt/src/plugins/versions.ts');
  const { traceOnly } = await import('../../packages/pjrt/src/testing/trace-only.ts');
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  const known = listPresets().map(({ name }) => name);
  for (const name of presets ?? [])
    if (!known.includes(name)) throw new Error(`there is no preset "${name}"; there are ${known.join(', ')}`);
  const plugin = pluginOfUser() ?? (await installPlugin(cuda13Compiler, console.log));
  const compiler = new AheadOfTimeCompiler(plugin, gpu);
  const traced = await traceOnly();
  let passed = 0;
  let failed = 0;
  for (const name of presets ?? known) {
    const parts = [];
    let fault;
    try {
      await createAgent(name, {
        environment: presetEnvironment(name),
        seed: 1,
        changes: { replay: { capacity: 200 } },
      });
      for (const entry of ENTRY_POINTS) {
        const { function: spec } = traced.entryPoints[entry];
        const [start, used] = [performance.now(), process.cpuUsage()];
        const memory = await compiler.compile(spec);
        const seconds = (performance.now() - start) / 1000;
        const { user, system } = process.cpuUsage(used);
        const donated = spec.donated.reduce((sum, index) => sum + bytesOf(spec.arguments[index]), 0);
        parts.push(
          `${entry} ${seconds.toFixed(1)} s (processor ${((user + system) / 1e6).toFixed(1)} s), in place ${megabytes(memory.aliasBytes)} of ${megabytes(donated)} MB, scratch ${megabytes(memory.temporaryBytes)} MB`,
        );
        if (memory.aliasBytes < donated) {
          fault = `${entry} keeps ${memory.aliasBytes} of ${donated} donated bytes in place`;
        }
      }
    } catch (error) {
      fault = error.message.slice(0, 500);
    }
    traced.dispose();
    if (fault === undefined) passed++;
    else failed++;
    console.log(fault === undefined ? `ok      ${name}: ${parts.join('; ')}` : `FAILED  ${name}: ${fault}`);
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

function bytesOf({ shape, type }) {
  return shape.reduce((product, size) => product * size, BYTES[type]);
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}
