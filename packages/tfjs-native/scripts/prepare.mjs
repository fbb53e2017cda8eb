// Sets the native TensorFlow backend up in the cache, once, before the tests: so that no test's time limit pays for the download and the compiler. Exits with 1
// where it can't be had; tests that need it are skipped then.
import { loadBackend } from '../src/index.ts';

process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
try {
  const { report } = await loadBackend({ backend: 'tensorflow', onProgress: ({ message }) => console.log(message) });
  console.log(`tensor backend: tensorflow (${report.used.source})`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
