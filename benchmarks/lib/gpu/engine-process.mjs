// Our side of the GPU benchmark: one engine in a process of its own, asked in lines of JSON (line-process.mjs). `learn` is an agent's update on a batch that lies
// ready, its loss read back; `update` samples the batch first; `act` gives the values of one observation.
//   node engine-process.mjs BACKEND [tiny]
import { release as systemRelease } from 'node:os';
import { openBackend } from '../../../packages/training/src/backend.ts';
import { ALL_NETWORKS, createDqnAgent } from '../dqn-agent.mjs';
import { serve } from './line-process.mjs';
import { trainFor } from './training.mjs';

const [backend, size] = process.argv.slice(2);
const isTiny = size === 'tiny';
let side;
let pjrt;

serve({
  async describe() {
    const lines = [];
    const { tf } = await openBackend({ backend, threads: null }, (line) => lines.push(line));
    if (backend.startsWith('pjrt-')) {
      const { loadPjrt } = await import('../../../packages/pjrt/src/index.ts');
      // A process keeps what it loaded: the same again.
      pjrt = await loadPjrt({ device: backend.slice('pjrt-'.length) });
      const { client, plugin } = pjrt;
      const { major, minor } = client.api.version;
      const versions = [`PJRT C interface ${major}.${minor}`, client.platformVersion.split('\n')[0].slice(0, 200)];
      return {
        device: client.deviceKind,
        platform: client.platform,
        memoryBytes: client.memory()?.limitBytes,
        plugin: plugin.split('/').slice(-3).join('/'),
        versions,
      };
    }
    const device = backend === 'webgpu' ? await webgpuDevice() : tf.getBackend();
    return {
      device,
      platform: backend,
      versions: [`tfjs ${tf.version_core}`, ...lines.slice(-1), systemRelease()],
    };
  },
  async prepare({ network, batch }) {
    const started = performance.now();
    const before = pjrt?.cache.compiledCount;
    side = await createDqnAgent(network, 'auto', { whats: [], batchSize: batch, isTiny });
    await side.measure('learn', 1);
    await side.measure('act', 1);
    return {
      prepareSeconds: Math.round((performance.now() - started) / 10) / 100,
      // Steps that were compiled; the others came from the cache on the disk.
      ...(before === undefined ? {} : { compiled: pjrt.cache.compiledCount - before }),
      measures: ['learn', 'update', 'act'],
    };
  },
  learn: async ({ calls }) => ({ times: await side.measure('learn', calls) }),
  update: async ({ calls }) => ({ times: await side.measure('step', calls) }),
  act: async ({ calls }) => ({ times: await side.measure('act', calls) }),
  async release() {
    side?.stop();
    side = undefined;
    return {};
  },
  async floor({ matrix, megabytes }) {
    const { measureFloor } = await import('./floor.mjs');
    return measureFloor(pjrt.client, { matrix, megabytes });
  },
  async seeds({ network, seeds, blocks }) {
    const { measureSeeds } = await import('./seeds.mjs');
    return measureSeeds({ network, seeds, blocks, isTiny });
  },
  train: ({ network, seconds }) => trainFor({ backend, preset: ALL_NETWORKS[network].preset, seconds, isTiny }),
});

/** The adapter's name; one that computes on the processor is no GPU. */
async function webgpuDevice() {
  const { loadWebGpu } = await import('../../../packages/webgpu/src/index.ts');
  const { deviceName } = await loadWebGpu();
  if (/swiftshader|llvmpipe|lavapipe/i.test(deviceName)) {
    throw new Error(`WebGPU finds no GPU: ${deviceName} computes on the processor`);
  }
  return deviceName;
}
