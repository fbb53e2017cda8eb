// How the GPU benchmark measures: all sides of a round are made ready for one network and batch size, take turns in blocks, and are released again. A side that fails
// there gets a row with its reason; where the device had no memory left, its larger batches are not tried.

/** `learn`: a step on a batch that lies ready on the host. `update`: with its sampling. `resident`: on a batch that lies on the device. */
const LEARNING = ['learn', 'update', 'resident'];
/** Milliseconds of a block's calls, about. */
const BLOCK_MS = { quick: 60, full: 250 };
/** Seconds that a side may take to trace and compile a step, and to make the calls of a block. */
const PREPARE_SECONDS = 600;
const BLOCK_SECONDS = 120;

/**
 * Measures learning for every network at every batch size, the smallest first, and acting for every network.
 * @param {readonly { name: string, side: { ask(request: object, seconds?: number): Promise<any> } }[]} sides
 * @param {{ networks: readonly string[], batches: readonly number[], quick: boolean, isTimeUp(): boolean,
 *   isDone?: (side: string, network: string, batch: number) => boolean, onCell(cells: object[]): void }} plan
 * @returns cells `{ what, network, batch, side, milliseconds | reason, ... }`
 */
export async function measureSides(sides, { networks, batches, quick, isTimeUp, isDone = () => false, onCell }) {
  const cells = [];
  /** Why a side's larger batches of a network are not tried. */
  const ended = new Map();
  for (const batch of batches) {
    for (const network of networks) {
      const whats = batch === batches[0] ? [...LEARNING, 'act'] : LEARNING;
      const made = [];
      const fail = (side, reason) => made.push({ what: 'learn', network, batch, side, reason });
      const ready = [];
      const endColumn = (name, error) => {
        if (error.isOutOfMemory) ended.set(`${name} ${network}`, `not tried: out of memory at batch ${batch}`);
        // It would end again, and a process that does not answer is waited for long.
        else if (error.hasEnded) ended.set(`${name} ${network}`, `not tried: at batch ${batch} ${error.message}`);
      };
      for (const { name, side } of sides) {
        if (isDone(name, network, batch)) continue;
        const before = ended.get(`${name} ${network}`);
        if (before !== undefined) fail(name, before);
        else if (isTimeUp()) fail(name, 'not measured: the time was up');
        else {
          try {
            ready.push({ name, side, ...(await side.ask({ do: 'prepare', network, batch }, PREPARE_SECONDS)) });
          } catch (error) {
            endColumn(name, error);
            fail(name, error.isOutOfMemory ? `out of memory: ${error.message}` : error.message);
          }
        }
      }
      for (const what of whats) {
        const taking = ready.filter(({ measures }) => measures.includes(what));
        for (const [name, result] of Object.entries(await takeTurns(taking, what, quick))) {
          const { prepareSeconds, compiled } = ready.find((each) => each.name === name);
          const { error, ...rest } = result;
          if (error !== undefined) endColumn(name, error);
          made.push({
            what,
            network,
            batch: what === 'act' ? 1 : batch,
            side: name,
            ...rest,
            prepareSeconds,
            compiled,
          });
        }
      }
      for (const { side } of ready) await side.ask({ do: 'release' }).catch(() => {});
      cells.push(...made);
      if (made.length > 0) onCell(made);
    }
  }
  return cells;
}

/** Each side's milliseconds per call (the median of its quieter half of blocks), or its reason. */
async function takeTurns(sides, what, quick) {
  const blocks = quick ? 3 : 8;
  const blockMs = quick ? BLOCK_MS.quick : BLOCK_MS.full;
  const medians = new Map(sides.map(({ name }) => [name, []]));
  const calls = new Map();
  const results = {};
  for (let block = -1; block < blocks; block++) {
    for (const { name, side } of sides) {
      if (results[name] !== undefined) continue;
      try {
        // The first block warms up and tells how many calls a block is.
        const { times } = await side.ask({ do: what, calls: calls.get(name) ?? 3 }, BLOCK_SECONDS);
        if (block >= 0) medians.get(name).push(median(times));
        else calls.set(name, Math.max(2, Math.min(500, Math.round(blockMs / Math.max(0.01, median(times))))));
      } catch (error) {
        const { message, isOutOfMemory = false } = error;
        results[name] = { reason: isOutOfMemory ? `out of memory: ${message}` : message, error };
      }
    }
  }
  for (const [name, values] of medians) {
    const quieter = values.sort((a, b) => a - b).slice(0, Math.ceil(blocks / 2));
    results[name] ??= { milliseconds: median(quieter) };
  }
  return results;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
