// Compiles for a GPU that is not in this machine: a plugin that is given a card's description makes executables for it. Nothing can be run; that a step compiles, how
// long it takes, what memory it needs and that its arguments' memory is taken over can be seen anywhere.
import { InvalidArgumentError } from '@moe-rl/core';
import { readBytes } from '@moe-rl/core/node';
import { Api } from '../c-api/api.ts';
import { Struct } from '../c-api/struct.ts';
import { compileArguments, type ExecutableMemory, takeMemory } from './compile-call.ts';
import type { XlaOptions } from './compile-options.ts';
import type { FunctionSpec } from './executable.ts';
import { encodeNamedValues } from './named-values.ts';

/** Compiles for one described card. */
export class AheadOfTimeCompiler {
  readonly #api: Api;
  readonly #topology: bigint;

  /**
   * @param plugin a CUDA plugin's file, which needs no driver and no library beside it for this
   * @param device as the plugin's own descriptions name it: `NVIDIA H100 80GB HBM3`
   * @throws InvalidArgumentError naming the cards that the plugin describes; PluginError when it can't compile without a device
   */
  constructor(plugin: string, device: string) {
    const described = gpuDescriptions(plugin);
    const description = described.get(device);
    if (description === undefined) {
      throw new InvalidArgumentError(
        `${plugin} describes no "${device}"; expected one of ${[...described.keys()].join(', ') || 'none: it has no descriptions'}`,
      );
    }
    this.#api = new Api(plugin);
    const { native } = this.#api;
    const options = encodeNamedValues(native, { target_config: description, topology: '1x1x1' });
    const name = new TextEncoder().encode('described');
    this.#topology = this.#api
      .call(
        new Struct(
          'TopologyDescription_Create',
          {
            topology_name: native.addressOf(name),
            topology_name_size: name.length,
            create_options: options.address,
            num_options: options.count,
          },
          [name, options.keep],
        ),
      )
      .word('topology');
  }

  /**
   * Compiles a function on a worker thread and tells what memory it needs.
   * @throws PjrtError with the compiler's own message
   */
  async compile(spec: FunctionSpec, options: XlaOptions = {}): Promise<ExecutableMemory> {
    const { members, keep } = compileArguments(this.#api, spec.text, options);
    const call = new Struct('Compile', { topology: this.#topology, ...members }, keep);
    return takeMemory(this.#api, (await this.#api.callAsync(call)).word('executable'));
  }

  free(): void {
    this.#api.call(new Struct('TopologyDescription_Destroy', { topology: this.#topology }));
  }
}

/** Descriptions of cards, by their names, that a plugin brings for its own tests: texts in its file, each ended by a zero byte. */
export function gpuDescriptions(plugin: string): ReadonlyMap<string, string> {
  const file = Buffer.from(readBytes(plugin).buffer);
  const found = new Map<string, string>();
  const [mark, head] = ['\ndevice_description_str: "', 'gpu_device_info {'];
  for (let at = file.indexOf(mark); at >= 0; at = file.indexOf(mark, at + 1)) {
    const begin = file.lastIndexOf(0, at) + 1;
    const end = file.indexOf(0, at);
    const text = file.toString('utf8', begin, end);
    const name = /\ndevice_description_str: "([^"]+)"/.exec(text)?.[1];
    if (name !== undefined && text.includes(head)) found.set(name, text);
  }
  return found;
}
