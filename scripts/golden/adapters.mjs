// The tensor libraries that vectors are run through, each as { name, ops, gradients, activate }.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { createJaxOps } from '../../packages/tensor-ops/src/jax.ts';
import { createTfjsOps } from '../../packages/tensor-ops/src/tfjs.ts';
import { createTypedArrayOps, typedArrayOps } from '../../packages/tensor-ops/src/typed-array/index.ts';

/** Imports a dependency of a workspace package (the root has none of them). */
export async function importFrom(packageName, specifier) {
  const require = createRequire(new URL(`../../packages/${packageName}/package.json`, import.meta.url));
  return import(pathToFileURL(require.resolve(specifier)).href);
}

/** Everything that loads here; `skipped` says what does not, and why. */
export async function loadAdapters() {
  const adapters = [
    { name: 'typed-array', ops: typedArrayOps, gradients: 'finite differences', activate: async () => {} },
  ];
  const skipped = [];

  const tf = (await importFrom('tensor-ops', '@tensorflow/tfjs')).default;
  adapters.push({
    name: 'tfjs (cpu)',
    ops: createTfjsOps(tf),
    gradients: 'automatic',
    tf,
    activate: () => tf.setBackend('cpu'),
  });

  try {
    const { loadBackend } = await import('../../packages/tfjs-native/src/index.ts');
    const native = await loadBackend({ backend: 'tensorflow' });
    adapters.push({
      name: 'tfjs (tensorflow)',
      ops: createTfjsOps(native.tf),
      gradients: 'automatic',
      tf: native.tf,
      activate: () => native.tf.setBackend(native.tf.engine().registryFactory?.tensorflow ? 'tensorflow' : native.name),
    });
  } catch (error) {
    skipped.push(['tfjs (tensorflow)', firstLine(error)]);
  }

  try {
    const jax = await importFrom('tensor-ops', '@jax-js/jax');
    await jax.init();
    jax.defaultDevice('wasm');
    adapters.push({ name: 'jax-js', ops: createJaxOps(jax), gradients: 'none', activate: async () => {} });
  } catch (error) {
    skipped.push(['jax-js', firstLine(error)]);
  }
  return { adapters, skipped };
}

/** The typed-array adapter in the precision that finite differences need. */
export const doublePrecision = createTypedArrayOps({ precision: 'float64' });

function firstLine(error) {
  return String(error?.message ?? error).split('\n')[0];
}
