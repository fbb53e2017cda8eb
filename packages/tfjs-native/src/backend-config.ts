// What a caller of loadBackend may ask for.

import type { ProgressEvent } from './layout.ts';

/** What may be asked for. */
export const backendChoices = ['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type BackendChoice = (typeof backendChoices)[number];
export type BackendName = Exclude<BackendChoice, 'auto'>;

/** Options of {@link loadBackend}. */
export interface LoadBackendConfig {
  /** Default `auto`: the fastest that works here. */
  readonly backend?: BackendChoice;
  /** Processor threads within one operation; default: TensorFlow's own choice (all cores), for wasm its own too. */
  readonly threads?: number;
  /** `false`: nothing is downloaded or built; what is not in the cache yet counts as missing. Default true. */
  readonly install?: boolean;
  /** Called with lines fit for showing while something is downloaded or built. */
  readonly onProgress?: (event: ProgressEvent) => void;
}
