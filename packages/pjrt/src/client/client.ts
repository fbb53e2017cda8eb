// A client of one PJRT plugin: its first device, arrays on it, functions compiled for it.
import { elementCount, InvalidArgumentError, ShapeError } from '@moe-rl/core';
import { Api } from '../c-api/api.ts';
import { Struct } from '../c-api/struct.ts';
import { PluginError } from '../errors.ts';
import { DeviceBuffer } from './buffer.ts';
import { compileArguments } from './compile-call.ts';
import type { XlaOptions } from './compile-options.ts';
import { type BufferSpec, bufferTypeOf, type HostArray, isHostArrayOf } from './element-types.ts';
import { Executable, type FunctionSpec } from './executable.ts';
import { encodeNamedValues, type NamedValues } from './named-values.ts';

/** The array need not live longer than the call. */
const IMMUTABLE_ONLY_DURING_CALL = 0;

/** Memory of the device, where it tells. */
export interface DeviceMemory {
  readonly inUseBytes: number;
  readonly peakBytes: number | undefined;
  readonly limitBytes: number | undefined;
}

/** Options of {@link PjrtClient.open}. */
export interface ClientConfig {
  /** The plugin's own options, as the C interface takes them: `{ preallocate: false }` for GPUs. */
  readonly options?: NamedValues;
}

/** A client of one plugin. It owns all memory that it passes to native code. */
export class PjrtClient {
  /** `cpu`, `cuda`, `rocm`. */
  readonly platform: string;
  readonly platformVersion: string;
  /** `cpu`, `NVIDIA H100 80GB HBM3`. */
  readonly deviceKind: string;
  /** @internal */
  readonly api: Api;
  readonly #client: bigint;
  readonly #device: bigint;
  /** Dimensions of the array that is being passed. */
  readonly #dimensions = new BigInt64Array(16);
  readonly #upload: Struct<'Client_BufferFromHostBuffer'>;
  #liveBuffers = 0;
  #isClosed = false;

  /**
   * Loads a plugin and opens its first device.
   * @throws PluginError when the file is no plugin for this machine or shows no device; PjrtError when it can't open one.
   */
  static open(plugin: string, { options = {} }: ClientConfig = {}): PjrtClient {
    return new PjrtClient(new Api(plugin), options);
  }

  private constructor(api: Api, options: NamedValues) {
    this.api = api;
    const encoded = encodeNamedValues(api.native, options);
    this.#client = api
      .call(
        new Struct('Client_Create', { create_options: encoded.address, num_options: encoded.count }, [encoded.keep]),
      )
      .word('client');
    const client = this.#client;
    const devices = api.call(new Struct('Client_AddressableDevices', { client }));
    if (devices.word('num_addressable_devices') === 0n) throw new PluginError(`${api.path} shows no device`);
    this.#device = readWord(api.native.read(devices.word('addressable_devices'), 8));
    const name = api.call(new Struct('Client_PlatformName', { client }));
    this.platform = api.text(name.word('platform_name'), name.word('platform_name_size'));
    const version = api.call(new Struct('Client_PlatformVersion', { client }));
    this.platformVersion = api.text(version.word('platform_version'), version.word('platform_version_size'));
    const description = api
      .call(new Struct('Device_GetDescription', { device: this.#device }))
      .word('device_description');
    const kind = api.call(new Struct('DeviceDescription_Kind', { device_description: description }));
    this.deviceKind = api.text(kind.word('device_kind'), kind.word('device_kind_size'));
    this.#upload = new Struct(
      'Client_BufferFromHostBuffer',
      {
        client,
        device: this.#device,
        dims: api.native.addressOf(this.#dimensions),
        host_buffer_semantics: IMMUTABLE_ONLY_DURING_CALL,
      },
      [this.#dimensions],
    );
  }

  /** Arrays on the device that were neither freed nor donated. */
  get liveBuffers(): number {
    return this.#liveBuffers;
  }

  /**
   * Copies an array to the device; it may be changed as soon as this returns.
   * @throws ShapeError when it is no typed array of that type and length.
   */
  upload(values: HostArray, { shape, type }: BufferSpec): DeviceBuffer {
    this.#requireOpen();
    if (!isHostArrayOf(type, values) || values.length !== elementCount(shape)) {
      throw new ShapeError(
        `an array for the device is a ${values?.constructor?.name} of ${values?.length} values; expected ${elementCount(shape)} for ${type} [${shape}]`,
      );
    }
    if (shape.length > this.#dimensions.length) throw new ShapeError(`[${shape}] has too many dimensions`);
    for (const [axis, size] of shape.entries()) this.#dimensions[axis] = BigInt(size);
    this.#upload.kept = [this.#dimensions, values];
    try {
      const call = this.api.call(
        this.#upload
          .set('data', this.api.native.addressOf(values))
          .set('type', bufferTypeOf(type))
          .set('num_dims', shape.length),
      );
      const event = call.word('done_with_host_buffer');
      if (event !== 0n) this.api.call(new Struct('Event_Destroy', { event }));
      return this.#makeBuffer(call.word('buffer'), { shape, type });
    } finally {
      this.#upload.kept = [this.#dimensions];
    }
  }

  /**
   * Compiles a function on a worker thread.
   * @throws PjrtError with the compiler's own message (with line and column of the text).
   */
  async compile(spec: FunctionSpec, options: XlaOptions = {}): Promise<Executable> {
    this.#requireOpen();
    const { members, keep } = compileArguments(this.api, spec.text, options);
    const call = new Struct('Client_Compile', { client: this.#client, ...members }, keep);
    await this.api.callAsync(call);
    return this.#makeExecutable(call.word('executable'), spec);
  }

  /**
   * Loads a serialized executable.
   * @throws PjrtError when the plugin does not take it.
   */
  load(bytes: Uint8Array, spec: FunctionSpec): Executable {
    this.#requireOpen();
    const call = new Struct(
      'Executable_DeserializeAndLoad',
      {
        client: this.#client,
        serialized_executable: this.api.native.addressOf(bytes),
        serialized_executable_size: bytes.length,
      },
      [bytes],
    );
    return this.#makeExecutable(this.api.call(call).word('loaded_executable'), spec);
  }

  /** Memory of the device; undefined where it doesn't tell (CPU). */
  memory(): DeviceMemory | undefined {
    this.#requireOpen();
    let call: Struct<'Device_MemoryStats'>;
    try {
      call = this.api.call(new Struct('Device_MemoryStats', { device: this.#device }));
    } catch {
      return undefined;
    }
    return {
      inUseBytes: Number(call.word('bytes_in_use')),
      peakBytes: call.number('peak_bytes_in_use_is_set') ? Number(call.word('peak_bytes_in_use')) : undefined,
      limitBytes: call.number('bytes_limit_is_set') ? Number(call.word('bytes_limit')) : undefined,
    };
  }

  /**
   * Closes the device. Free its buffers and executables before.
   * @throws InvalidArgumentError while buffers are alive.
   */
  close(): void {
    if (this.#isClosed) return;
    if (this.#liveBuffers > 0) {
      throw new InvalidArgumentError(`the PJRT client is closed while ${this.#liveBuffers} buffers are on the device`);
    }
    this.#isClosed = true;
    this.api.call(new Struct('Client_Destroy', { client: this.#client }));
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new InvalidArgumentError('the PJRT client was closed');
  }

  #makeExecutable(handle: bigint, spec: FunctionSpec): Executable {
    return new Executable(this.api, handle, spec, (buffer, result) => this.#makeBuffer(buffer, result));
  }

  #makeBuffer(handle: bigint, spec: BufferSpec): DeviceBuffer {
    this.#liveBuffers++;
    return new DeviceBuffer(this.api, handle, spec, () => {
      this.#liveBuffers--;
    });
  }
}

function readWord(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
}
