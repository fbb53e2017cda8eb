// What an earlier part of the same measuring left in the results file: its rows stay, and what has a figure there is not measured again, so that several short runs
// make one table.
import { InvalidArgumentError } from '../../../packages/core/src/index.ts';

/** Reasons that another attempt would not change. */
const FINAL = /^(not tried: )?out of memory/;
/** Rows of ours that have JAX's figure beside them, and which of JAX's it is. */
const PEER_OF = { learn: 'learn', update: 'learn', act: 'act' };

/** The rows of a file, those of this run among them. */
export class Rows {
  #rows = new Map();

  /**
   * @param {{ file: string, report: { rows?: object[], quick?: boolean, tiny?: boolean } } | undefined} earlier what lies in the file
   * @param {{ quick: boolean, tiny: boolean }} mode how this run measures
   * @throws InvalidArgumentError where the file was measured in another mode
   */
  constructor(earlier, mode) {
    if (earlier === undefined) return;
    const { file, report } = earlier;
    for (const [name, value] of Object.entries(mode)) {
      if (Boolean(report[name]) === value) continue;
      throw new InvalidArgumentError(
        `${file} was measured ${value ? 'without' : 'with'} --${name}, this run is ${value ? 'with' : 'without'} it; expected the same, or another --results folder`,
      );
    }
    if (!Array.isArray(report.rows))
      throw new InvalidArgumentError(`${file} has no list of rows; expected results of this benchmark`);
    for (const row of report.rows) this.#rows.set(row.name, row);
  }

  get all() {
    return [...this.#rows.values()];
  }

  /** Puts rows in, in place of those of the same name and of what failed there before. */
  add(made) {
    const isSame = (a, b) => ['what', 'network', 'batch', 'engine'].every((key) => a[key] === b[key]);
    for (const [name, row] of this.#rows) {
      if (row.reason !== undefined && made.some((one) => one.what !== undefined && isSame(one, row)))
        this.#rows.delete(name);
    }
    for (const row of made) {
      const before = this.#rows.get(row.name);
      // A figure is not given up for a reason why there is none today.
      if (row.ours === null && before !== undefined && before.ours !== null) continue;
      this.#rows.set(row.name, row);
    }
  }

  /** An engine that failed before and is there now. */
  forgetFailure(engine) {
    this.#rows.delete(`engine/${engine}`);
  }

  /** Whether a row has its figure, or never will. */
  has(name) {
    const row = this.#rows.get(name);
    return row !== undefined && (row.ours !== null || FINAL.test(row.reason ?? ''));
  }

  /** Whether there is a figure of this kind. */
  some(matches) {
    return this.all.some((row) => row.ours !== null && matches(row));
  }

  /** Whether a side needs no measuring at a batch size of a network. */
  isDone(side, network, batch) {
    if (side !== 'jax') return this.has(`learn/${network}/b${batch}/${side}`);
    const isCell = (cell) => cell.what === 'learn' && cell.network === network && cell.batch === batch;
    return this.has(`learn/${network}/b${batch}/jax`) || this.peerCells.some(isCell);
  }

  /** JAX's figures, as they stand beside ours. */
  get peerCells() {
    return this.all
      .filter(({ what, peer }) => (what === 'learn' || what === 'act') && peer !== null)
      .map(({ what, network, batch, peer }) => ({ what, network, batch, side: 'jax', milliseconds: peer }));
  }

  /** Takes what JAX was measured at, where our own figures are there already. */
  addPeerCells(cells) {
    for (const { what, network, batch, side, milliseconds } of cells) {
      if (side !== 'jax' || milliseconds === undefined || !(what in PEER_OF)) continue;
      for (const [name, row] of this.#rows) {
        if (PEER_OF[row.what] !== what || row.network !== network || row.batch !== batch || row.ours === null) continue;
        if (row.peer === null) this.#rows.set(name, { ...row, peer: milliseconds, ratio: row.ours / milliseconds });
      }
    }
  }
}
