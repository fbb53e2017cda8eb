// Where XLA's CPU compiler runs one observation through a network faster than TensorFlow's session does, as measured; see the table in this package's README.

import type { Binding } from './binding.ts';
import type { GraphNode } from './graph-definition.ts';

/**
 * Whether a recorded graph's entry point is better compiled. Without AVX-512 the session multiplies matrices for a convolution of one image, and XLA takes about half its time. With it oneDNN
 * convolves directly, which XLA does not, so that only networks of mostly strided convolutions gain.
 */
export function prefersCompiled(nodes: readonly GraphNode[], scope: string): boolean {
  const own = nodes.filter(({ name }) => name.startsWith(`${scope}/`));
  if (own.some(isOwnOperation)) return false;
  const convolutions = own.filter(({ op }) => op === 'Conv2D');
  if (convolutions.length === 0) return false;
  const instructions = vectorInstructions();
  if (instructions === 'unknown') return false;
  return instructions === 'avx2' || convolutions.filter(isStrided).length * 2 > convolutions.length;
}

/** Operations of this project's own kernels for TensorFlow, which XLA doesn't know. */
export function isOwnOperation({ op }: Pick<GraphNode, 'op'>): boolean {
  return op.startsWith('MoeRl');
}

/** XLA's CPU compiler is what was measured; on a GPU the recorded graph stays. */
export function canCompile(binding: Binding): boolean {
  return !(binding.isUsingGpuDevice?.() ?? false);
}

function isStrided({ attributes }: GraphNode): boolean {
  const strides = attributes.strides;
  return strides?.kind === 'integers' && strides.value.some((stride) => stride > 1);
}

/** What oneDNN may use: the processor's, or what ONEDNN_MAX_CPU_ISA leaves of it. */
function vectorInstructions(): 'avx512' | 'avx2' | 'unknown' {
  if (globalThis.process?.platform !== 'linux' || process.arch !== 'x64') return 'unknown';
  if (/^(AVX2?|SSE41)$|^AVX2_/i.test(process.env.ONEDNN_MAX_CPU_ISA ?? '')) return 'avx2';
  try {
    const flags =
      process
        .getBuiltinModule('node:fs')
        .readFileSync('/proc/cpuinfo', 'utf8')
        .match(/^flags\s*:.*$/m)?.[0] ?? '';
    return /\bavx512bw\b/.test(flags) ? 'avx512' : /\bavx2\b/.test(flags) ? 'avx2' : 'unknown';
  } catch {
    return 'unknown';
  }
}
