// A planned step on the device: pipelines, buffers and bind groups, made once; a run encodes the dispatches and submits them.

import type { Place, Plan } from '../compile/plan.ts';
import {
  bufferUsage,
  type GpuBuffer,
  type GpuDevice,
  type GpuEncoder,
  type GpuError,
  type GpuPipeline,
} from '../device/gpu.ts';
import { decoded, type HostArray, makeBuffer, upload } from '../device/memory.ts';
import { DeviceError } from '../errors.ts';
import { byteLengthOf, type Node } from '../graph/node.ts';

/** Pipelines by their kernels' text: the layers of a network that are alike share them. */
export type PipelineCache = Map<string, Promise<GpuPipeline>>;

interface Prepared {
  readonly pipeline: GpuPipeline;
  readonly group: object;
  readonly workgroups: readonly [number, number, number];
}

/** What {@link Executable.make} needs. */
export interface ExecutableConfig {
  readonly device: GpuDevice;
  readonly entryName: string;
  readonly plan: Plan;
  readonly variables: ReadonlyMap<string, GpuBuffer>;
  readonly inputs: ReadonlyMap<string, GpuBuffer>;
  readonly pipelines: PipelineCache;
  /** Working memory that entry points of a program share: they run one after the other. */
  readonly working: GpuBuffer[];
}

export class Executable {
  /** Bytes that the outputs take in a buffer that is read back. */
  readonly outputBytes: number;
  readonly #prepared: readonly Prepared[];
  readonly #copies: readonly { readonly from: GpuBuffer; readonly to: GpuBuffer; readonly byteLength: number }[];
  readonly #outputs: readonly {
    readonly name: string;
    readonly node: Node;
    readonly buffer: GpuBuffer;
    readonly offset: number;
  }[];
  readonly #data: readonly GpuBuffer[];

  private constructor(
    config: ExecutableConfig,
    prepared: readonly Prepared[],
    bufferAt: (place: Place) => GpuBuffer,
    data: readonly GpuBuffer[],
  ) {
    this.#prepared = prepared;
    this.#data = data;
    this.#copies = config.plan.copies.map(({ from, to, byteLength }) => ({
      from: bufferAt(from),
      to: bufferAt(to),
      byteLength,
    }));
    let offset = 0;
    this.#outputs = config.plan.outputs.map(({ name, node, place }) => {
      const output = { name, node, buffer: bufferAt(place), offset };
      offset += byteLengthOf(node);
      return output;
    });
    this.outputBytes = offset;
  }

  /**
   * Compiles the kernels and makes the buffers.
   * @throws DeviceError when the device has no memory left or refuses a kernel
   */
  static async make(config: ExecutableConfig): Promise<Executable> {
    const { device, entryName, plan, pipelines } = config;
    const compiled = await Promise.allSettled(plan.dispatches.map(({ text }) => pipelineOf(device, pipelines, text)));
    const refusals = compiled.flatMap((outcome, index) => {
      if (outcome.status === 'fulfilled') return [];
      const { text } = plan.dispatches[index]!;
      pipelines.delete(text);
      return [`${(outcome.reason as Error).message}\n${text}`];
    });
    if (refusals[0] !== undefined) throw new DeviceError(refusal(entryName, refusals[0]));
    const made: GpuBuffer[] = [];
    const before = config.working.length;
    const undo = (): void => {
      for (const buffer of [...made, ...config.working.splice(before)]) buffer.destroy();
    };
    // Nothing is waited for between these and their ends: what other programs do meanwhile is not taken for ours.
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('validation');
    let executable: Executable;
    let errors: Promise<(GpuError | null)[]>;
    try {
      const pipelinesInOrder = compiled.map((outcome) => (outcome as PromiseFulfilledResult<GpuPipeline>).value);
      executable = Executable.#allocated(config, pipelinesInOrder, made);
    } catch (error) {
      undo();
      throw error;
    } finally {
      errors = Promise.all([device.popErrorScope(), device.popErrorScope()]);
    }
    const [invalid, exhausted] = await errors;
    // A later try must not meet buffers without memory.
    if (invalid || exhausted) undo();
    if (exhausted) {
      throw new DeviceError(
        `entry point "${entryName}": the device has no memory left (${exhausted.message}): take a smaller batch or network, or end what else uses the device`,
      );
    }
    if (invalid) throw new DeviceError(refusal(entryName, invalid.message));
    return executable;
  }

  /** Buffers and bind groups; those of the entry point alone are added to `made`. */
  static #allocated(config: ExecutableConfig, pipelines: readonly GpuPipeline[], made: GpuBuffer[]): Executable {
    const { device, plan } = config;
    const data = new Map<Node, GpuBuffer>();
    const working = allot(config);
    const bufferAt = (place: Place): GpuBuffer => {
      if (place.kind === 'variable') return config.variables.get(place.name)!;
      if (place.kind === 'input') return config.inputs.get(place.name)!;
      if (place.kind === 'working') return working[place.index]!;
      let buffer = data.get(place.node);
      if (buffer === undefined) {
        buffer = makeBuffer(device, byteLengthOf(place.node));
        made.push(buffer);
        const { operation } = place.node;
        if (operation.kind === 'data') upload(device, buffer, operation.values as ArrayLike<number>, place.node);
        data.set(place.node, buffer);
      }
      return buffer;
    };
    const prepared = pipelines.map((pipeline, index): Prepared => {
      const { places, workgroups } = plan.dispatches[index]!;
      const entries = places.map((place, binding) => ({ binding, resource: { buffer: bufferAt(place) } }));
      const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
      return { pipeline, group, workgroups };
    });
    return new Executable(config, prepared, bufferAt, made);
  }

  /** Kernels of a run. */
  get dispatchCount(): number {
    return this.#prepared.length;
  }

  /** Writes a run down; the outputs end in `staging`. */
  encode(encoder: GpuEncoder, staging: GpuBuffer | undefined): void {
    if (this.#prepared.length > 0) {
      const pass = encoder.beginComputePass();
      for (const { pipeline, group, workgroups } of this.#prepared) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...workgroups);
      }
      pass.end();
    }
    for (const { from, to, byteLength } of this.#copies) encoder.copyBufferToBuffer(from, 0, to, 0, byteLength);
    if (staging === undefined) return;
    for (const { node, buffer, offset } of this.#outputs) {
      encoder.copyBufferToBuffer(buffer, 0, staging, offset, byteLengthOf(node));
    }
  }

  /** Outputs of the bytes that `staging` held. */
  outputsOf(bytes: ArrayBuffer): Record<string, HostArray> {
    return Object.fromEntries(
      this.#outputs.map(({ name, node, offset }) => [name, decoded(bytes, offset, node.size, node.type)]),
    );
  }

  free(): void {
    for (const buffer of this.#data) buffer.destroy();
  }
}

function refusal(entryName: string, message: string): string {
  return `entry point "${entryName}": the device refuses a kernel: ${message}`;
}

function pipelineOf(device: GpuDevice, pipelines: PipelineCache, text: string): Promise<GpuPipeline> {
  let pipeline = pipelines.get(text);
  if (pipeline === undefined) {
    const module = device.createShaderModule({ code: text });
    pipeline = device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
    pipelines.set(text, pipeline);
  }
  return pipeline;
}

/** A buffer for each piece of working memory: of those that are there, the smallest that is large enough. */
function allot({ device, plan, working }: ExecutableConfig): GpuBuffer[] {
  const free = new Set(working);
  return plan.workingBytes.map((bytes) => {
    let best: GpuBuffer | undefined;
    for (const buffer of free)
      if (buffer.size >= bytes && (best === undefined || buffer.size < best.size)) best = buffer;
    if (best === undefined) {
      best = makeBuffer(device, bytes);
      working.push(best);
    }
    free.delete(best);
    return best;
  });
}

/** A buffer to read back from. */
export function makeStaging(device: GpuDevice, byteLength: number): GpuBuffer {
  return device.createBuffer({ size: byteLength, usage: bufferUsage.MAP_READ | bufferUsage.COPY_DST });
}
