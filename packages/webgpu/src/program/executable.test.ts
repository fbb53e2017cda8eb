// What an entry point's memory does where the device has too little: without a device, by one that counts.
import { describe, expect, test } from 'vitest';
import type { Plan } from '../compile/plan.ts';
import type { GpuBuffer, GpuDevice, GpuError } from '../device/gpu.ts';
import { GraphBuilder } from '../graph/graph-builder.ts';
import { Executable, type ExecutableConfig } from './executable.ts';

/** A device with so many bytes, that counts open error scopes and buffers. */
function smallDevice(limit: number) {
  const state = { buffers: new Set<GpuBuffer>(), scopes: [] as { filter: string; error: GpuError | null }[] };
  let failure = 0;
  const device = {
    limits: { maxStorageBuffersPerShaderStage: 8, maxStorageBufferBindingSize: 1000, maxBufferSize: 1000 },
    queue: { writeBuffer() {} },
    createBuffer({ size }: { size: number }) {
      const buffer = { size, destroy: () => state.buffers.delete(buffer as unknown as GpuBuffer) };
      state.buffers.add(buffer as unknown as GpuBuffer);
      const used = [...state.buffers].reduce((sum, each) => sum + each.size, 0);
      const scope = state.scopes.findLast(({ filter }) => filter === 'out-of-memory');
      if (used > limit && scope !== undefined) scope.error = { message: `failure ${++failure}` };
      return buffer;
    },
    createShaderModule: () => ({}),
    createComputePipelineAsync: async () => ({ getBindGroupLayout: () => ({}) }),
    createBindGroup: () => ({}),
    pushErrorScope: (filter: string) => state.scopes.push({ filter, error: null }),
    popErrorScope: async () => state.scopes.pop()!.error,
  };
  return { device: device as unknown as GpuDevice, state };
}

function entry(device: GpuDevice, workingBytes: number): ExecutableConfig {
  const b = new GraphBuilder();
  const data = b.constant(Float32Array.of(1, 2), [2], 'f32');
  const places = [
    { kind: 'data', node: data },
    { kind: 'working', index: 0 },
  ] as const;
  const dispatches = [{ text: 'kernel', places, workgroups: [1, 1, 1] as const }];
  const plan: Plan = { dispatches, copies: [], outputs: [], workingBytes: [workingBytes] };
  return {
    ...{ device, plan, entryName: 'learn', pipelines: new Map(), working: [] },
    ...{ variables: new Map(), inputs: new Map() },
  };
}

describe('an entry point that the device has no memory for', () => {
  test.each([
    ['is said to lack it, each time that it is tried', 400, 100, /no memory left \(failure/],
    ['takes a tensor that is larger than may be bound', 2000, 4000, /2000 bytes; this device binds at most 1000/],
  ])('%s, and leaves no buffer and no error scope behind', async (_, bytes, limit, message) => {
    const { device, state } = smallDevice(limit);
    const config = entry(device, bytes);
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(Executable.make(config)).rejects.toThrow(message);
      expect([state.buffers.size, state.scopes.length, config.working.length]).toEqual([0, 0, 0]);
    }
  });

  test('gives its own memory back', async () => {
    const { device, state } = smallDevice(500);
    const config = entry(device, 400);
    const executable = await Executable.make(config);
    expect([...state.buffers].map(({ size }) => size).sort()).toEqual([400, 8]);
    executable.free();
    expect([...state.buffers]).toEqual(config.working);
  });
});
