// What the GPU benchmark measured, as rows: `<what>/<network>/b<batch>/<engine>` with JAX's figure beside ours, or the reason where there is none.

/** Rows of our engines' cells, and of JAX's where it failed or has a figure of its own kind (`resident`). */
export function cellRows(cells, peerCells) {
  const theirs = ({ what, network, batch }) =>
    peerCells.find((cell) => cell.what === what && cell.network === network && cell.batch === batch);
  return cells.flatMap((cell) => {
    const { what, network, batch, side, milliseconds = null, reason, prepareSeconds, compiled } = cell;
    const isPeer = side === 'jax';
    // JAX's figures stand in our rows; its own rows are for what we have no equal of, and for what went wrong.
    if (isPeer && reason === undefined && what !== 'resident') return [];
    const peer = isPeer ? null : (theirs({ ...cell, what: what === 'update' ? 'learn' : what })?.milliseconds ?? null);
    return [
      {
        name: `${what}/${network}/b${batch}/${side}`,
        what,
        network,
        batch,
        engine: side,
        ours: milliseconds,
        peer,
        unit: 'ms',
        ratio: milliseconds === null || peer === null ? null : milliseconds / peer,
        ...(milliseconds === null || what === 'act'
          ? {}
          : { samplesPerSecond: Math.round((batch / milliseconds) * 1000) }),
        ...(prepareSeconds === undefined ? {} : { prepareSeconds }),
        ...(compiled === undefined ? {} : { compiled }),
        ...(reason === undefined ? {} : { reason }),
      },
    ];
  });
}

const FLOOR = {
  roundTripMilliseconds: ['round-trip', 'ms'],
  defaultTeraFlops: ['product-default', 'TFLOP/s'],
  highestTeraFlops: ['product-float32', 'TFLOP/s'],
  toDeviceGigabytesPerSecond: ['bytes-to-device', 'GB/s'],
  memoryGigabytesPerSecond: ['device-memory', 'GB/s'],
};

/** Rows of the device's floor, through our client and through JAX. */
export function floorRows(engine, floor, theirs) {
  if (floor.reason !== undefined) {
    const name = `floor/${engine}`;
    return [{ name, what: 'floor', engine, ours: null, peer: null, unit: '', ratio: null, reason: floor.reason }];
  }
  return Object.entries(FLOOR).map(([key, [name, unit]]) => {
    const [ours, peer] = [floor[key], theirs[key] ?? null];
    const row = { name: `floor/${name}/${engine}`, what: 'floor', engine };
    return { ...row, ours, peer, unit, ratio: peer === null ? null : ours / peer };
  });
}

/** Several seeds as one program, by how convolutions are batched; `ofSeparate`: of the time of as many updates one after the other. */
export function seedsRows(engine, network, seeds, { alone, reason, ...batched }) {
  const row = { what: 'seeds', network, seeds, engine, peer: null, unit: 'ms', ratio: null };
  if (reason !== undefined) return [{ name: `seeds/${network}/x${seeds}/${engine}`, ...row, ours: null, reason }];
  return Object.entries(batched).map(([convolutions, milliseconds]) => ({
    name: `seeds/${network}/x${seeds}-${convolutions}/${engine}`,
    ...row,
    ours: milliseconds,
    aloneMilliseconds: alone,
    ofSeparate: milliseconds / (seeds * alone),
  }));
}

/** Frames a second of a whole training. */
export function trainingRow(engine, network, { framesPerSecond = null, agentSteps, reason }) {
  return {
    name: `training/${network}/${engine}`,
    what: 'training',
    network,
    engine,
    ours: framesPerSecond,
    peer: null,
    unit: 'frames/s',
    ratio: null,
    ...(agentSteps === undefined ? {} : { agentSteps }),
    ...(reason === undefined ? {} : { reason }),
  };
}
