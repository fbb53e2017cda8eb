// The simulation of multinomial mixtures: density and parameters of estimates over n, as means or medians of so many repeats. Random draws differ from code to
// code, so that averages are compared within what their spread over repeats allows, and slopes within what theory asks.
import { leastSquaresSlope } from '../../../packages/moe-statistics/src/node.ts';
import { recordedRepeats, runRepeat, SETTINGS } from '../simulations.mjs';

/** Standard deviations that the averages of two codes may lie apart. */
const DEVIATIONS = 4;
/** Repeats that are run on the spot where none are recorded. */
const ON_THE_SPOT = 2;
/**
 * Standard deviation over repeats of the logarithm, as measured: of the total variation, and of the Voronoi loss, whose gates may end at the edge of the box
 * where there is an expert too many.
 */
const SPREAD = {
  totalVariation: { exact: 0.27, over: 0.27, degenerate: 0.27 },
  voronoiLoss: { exact: 0.5, over: 0.9, degenerate: 1.2 },
};
const SLOPE = { absolute: 0.1 };
/** Of losses whose averages move by a factor of two with every draw of so few repeats. */
const LOSS_SLOPE = { absolute: 0.5 };

export default {
  multinomial_moe_simulation(entry) {
    entry.describes('note');
    expectRecordIsOurs();
    if (entry.has('density_tv')) {
      const density = entry.at('density_tv');
      const repeats = density.given('repeats');
      let sizes;
      for (const [name, row] of settingsOf(density)) {
        // Settings that state no sizes have those of the one before.
        sizes = row.maybe('n') ?? sizes;
        const means = sizes.map((n) => averageOf('mean', name, n, 'totalVariation', repeats));
        expectAverages(row, 'mean_tv', means, repeats, SPREAD.totalVariation[SETTINGS[name]]);
        row.expect('slope', slopeOf(sizes, means), SLOPE);
      }
    }
    if (!entry.has('voronoi_loss')) return;
    for (const [name, row] of settingsOf(entry.at('voronoi_loss'))) {
      const sizes = row.given('n');
      const repeats = row.given('repeats');
      for (const kind of ['median', 'mean']) {
        const averages = sizes.map((n) => averageOf(kind, name, n, 'voronoiLoss', repeats));
        if (row.has(kind)) expectAverages(row, kind, averages, repeats, SPREAD.voronoiLoss[SETTINGS[name]]);
        row.expect(`slope_of_${kind}`, slopeOf(sizes, averages), LOSS_SLOPE);
      }
    }
  },
};

/** The parts of an example that are settings: [[name, Entry], ...]. */
const settingsOf = (entry) =>
  entry.keys.filter((key) => typeof entry.value[key] === 'object').map((key) => [key, entry.at(key)]);

/** The record must be what the code gives today: its cheapest line is run again. */
function expectRecordIsOurs() {
  const [setting, size] = ['exact', 1000];
  const [line] = recordedRepeats(setting, size);
  if (line === undefined) return;
  const again = runRepeat(setting, size, line.repeat);
  for (const [value, number] of Object.entries(again)) {
    if (!(Math.abs(line[value] - number) <= 1e-6 * Math.abs(number)))
      throw new Error(
        `the recorded ${value} of ${setting}/${size}/${line.repeat} is ${line[value]}; it is ${number} now: record anew`,
      );
  }
}

function valuesOf(name, n, value, repeats) {
  const setting = SETTINGS[name];
  if (setting === undefined)
    throw new Error(`${name} is no setting; expected one of ${Object.keys(SETTINGS).join(', ')}`);
  const recorded = recordedRepeats(setting, n, value);
  const lines =
    recorded.length > 0
      ? recorded
      : Array.from({ length: Math.min(ON_THE_SPOT, repeats) }, (_, k) => runRepeat(setting, n, k));
  return lines.map((line) => line[value]);
}

/** The average of a value, and over how many repeats. */
function averageOf(kind, name, n, value, repeats) {
  const values = valuesOf(name, n, value, repeats).sort((a, b) => a - b);
  const middle = (values[(values.length - 1) >> 1] + values[values.length >> 1]) / 2;
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  return { average: kind === 'median' ? middle : mean, repeats: values.length };
}

/** Within so many standard deviations of the difference of two averages. */
function expectAverages(row, key, found, repeats, spread) {
  const fewest = Math.min(...found.map((point) => point.repeats));
  const factor = Math.exp(DEVIATIONS * spread * Math.sqrt(1 / fewest + 1 / repeats));
  const averages = found.map(({ average }) => average);
  row.expect(key, averages, { factor });
}

const slopeOf = (sizes, found) =>
  leastSquaresSlope(
    sizes.map(Math.log),
    found.map(({ average }) => Math.log(average)),
  );
