// What the device can do at best, through PJRT: an empty program's round trip, products of large matrices, bytes to the device, a pass over its memory. A step's time
// is read against these.
import { FunctionBuilder } from '../../../packages/pjrt/src/index.ts';
import { matMul } from '../../../packages/pjrt/src/stablehlo/contractions.ts';
import { median } from './measuring.mjs';

const REPEATS = 10;

/**
 * @param client an open PjrtClient
 * @param {{ matrix: number, megabytes: number }} size rows of the matrices; of what is copied
 */
export async function measureFloor(client, { matrix, megabytes }) {
  const count = megabytes * 1e6;
  const square = { shape: [matrix, matrix], type: 'f32' };
  const bytes = { shape: [count], type: 'ui8' };
  const floats = { shape: [count / 4], type: 'f32' };
  const results = { roundTripMilliseconds: await roundTrip(client) };
  for (const precision of ['default', 'highest']) {
    const b = new FunctionBuilder({ precision });
    const product = b.finish('product', [matMul(b, b.argument(square), b.argument(square))]);
    const seconds = await secondsPerCall(client, product, [square, square], REPEATS);
    results[`${precision}TeraFlops`] = (2 * matrix ** 3) / seconds / 1e12;
  }
  results.toDeviceGigabytesPerSecond = count / (await secondsPerUpload(client, bytes)) / 1e9;
  const b = new FunctionBuilder();
  const pass = b.finish('pass', [b.binary('add', b.argument(floats), b.scalar(1))]);
  results.memoryGigabytesPerSecond = (2 * count) / (await secondsPerCall(client, pass, [floats], REPEATS)) / 1e9;
  return results;
}

async function roundTrip(client) {
  const b = new FunctionBuilder();
  const scalar = { shape: [], type: 'f32' };
  const executable = await client.compile(b.finish('empty', [b.binary('add', b.argument(scalar), b.scalar(1))]));
  const argument = client.upload(Float32Array.of(1), scalar);
  const times = [];
  for (let call = 0; call < 200; call++) {
    const start = performance.now();
    const [result] = executable.execute([argument]);
    result.readSync();
    times.push(performance.now() - start);
    result.free();
  }
  argument.free();
  executable.free();
  return median(times.slice(20));
}

/** Calls follow each other on the device; one value of the last result is read. */
async function secondsPerCall(client, spec, argumentSpecs, repeats) {
  const executable = await client.compile(spec);
  const wait = await waiter(client, spec.results[0]);
  const made = argumentSpecs.map(({ shape, type }, index) => {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    for (let at = 0; at < values.length; at++) values[at] = ((at * (index + 7)) % 97) / 97;
    return client.upload(values, { shape, type });
  });
  const times = [];
  for (let round = 0; round < 6; round++) {
    const start = performance.now();
    for (let call = 0; call < repeats; call++) {
      const [result] = executable.execute(made);
      if (call === repeats - 1) wait(result);
      result.free();
    }
    times.push((performance.now() - start) / repeats);
  }
  for (const buffer of made) buffer.free();
  wait.free();
  executable.free();
  return median(times.slice(1)) / 1000;
}

async function secondsPerUpload(client, spec) {
  const wait = await waiter(client, spec);
  const content = new Uint8Array(spec.shape[0]);
  const times = [];
  for (let round = 0; round < 7; round++) {
    const start = performance.now();
    const buffer = client.upload(content, spec);
    wait(buffer);
    times.push(performance.now() - start);
    buffer.free();
  }
  wait.free();
  return median(times.slice(1)) / 1000;
}

/** A function that waits until an array of this form is there, by reading its first element. */
async function waiter(client, { shape, type }) {
  const b = new FunctionBuilder();
  const first = b.slice(
    b.argument({ shape, type }),
    shape.map(() => 0),
    shape.map(() => 1),
  );
  const executable = await client.compile(b.finish('first', [first]));
  const wait = (buffer) => {
    const [result] = executable.execute([buffer]);
    result.readSync();
    result.free();
  };
  wait.free = () => executable.free();
  return wait;
}
