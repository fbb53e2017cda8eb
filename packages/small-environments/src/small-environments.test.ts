// What all small environments owe the Environment interface, and the rules of Catch and MinAtar, one by one.
import { CheckpointError, createRng, InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import { createSmallEnvironment, minatarBreakout, SMALL_ENVIRONMENTS, type SmallEnvironment } from './index.ts';

/** Plays random actions and returns all that happened. */
function play(environment: SmallEnvironment, steps: number, seed: number) {
  const rng = createRng(seed, 'policy');
  const log: unknown[] = [];
  for (let step = 0; step < steps; step++) {
    const { observation, reward, terminated, truncated } = environment.step(rng.nextInteger(environment.actionCount));
    log.push([Array.from(observation), reward, terminated, truncated]);
    if (terminated || truncated) log.push(Array.from(environment.reset().observation));
  }
  return log;
}

describe.each(Object.keys(SMALL_ENVIRONMENTS))('%s', (id) => {
  it('is described rightly and plays the same for the same seed only', () => {
    const run = (seed: number) => {
      const environment = createSmallEnvironment(id, { seed });
      const { observation } = environment.reset();
      expect(environment.id).toBe(id);
      expect(observation.length).toBe(environment.observationSpec.frameShape.reduce((a, b) => a * b, 1));
      expect(observation instanceof (environment.observationSpec.dtype === 'uint8' ? Uint8Array : Float32Array)).toBe(
        true,
      );
      return [Array.from(observation), ...play(environment, 300, 1)];
    };
    expect(run(4)).toEqual(run(4));
    expect(run(4)).not.toEqual(run(5));
    const environment = createSmallEnvironment(id, { seed: 9 });
    environment.reset({ seed: 4 });
    const other = createSmallEnvironment(id, { seed: 4 });
    other.reset();
    expect(play(environment, 50, 2)).toEqual(play(other, 50, 2));
  });

  it('goes on exactly from a saved state', () => {
    const environment = createSmallEnvironment(id, { seed: 2 });
    environment.reset();
    play(environment, 120, 1);
    const state = structuredClone(environment.getState());
    const other = createSmallEnvironment(id, { seed: 77 });
    other.setState(state);
    expect(other.render?.()).toEqual(environment.render?.());
    expect(play(other, 200, 3)).toEqual(play(environment, 200, 3));
  });

  it('refuses an option that it has not got, by name', () => {
    expect(() => createSmallEnvironment(id, { sed: 1 } as never)).toThrow(InvalidArgumentError);
    expect(() => createSmallEnvironment(id, { sed: 1 } as never)).toThrow(
      `${id} has no option "sed"; expected one of seed, maxEpisodeAgentSteps; did you mean seed?`,
    );
    expect(() => createSmallEnvironment(id).reset({ sed: 1 } as never)).toThrow(
      `${id}: reset has no option "sed"; expected one of seed; did you mean seed?`,
    );
  });

  it('rejects bad actions, steps out of turn and states of others', () => {
    const environment = createSmallEnvironment(id, { maxEpisodeAgentSteps: 2 });
    expect(() => environment.step(0)).toThrow('before reset');
    environment.reset();
    expect(() => environment.step(environment.actionCount)).toThrow(InvalidArgumentError);
    expect(() => environment.step(0.5)).toThrow(`${id}: action is 0.5`);
    environment.step(0);
    const { terminated, truncated } = environment.step(0);
    expect(terminated).toBe(false);
    expect(truncated).toBe(true);
    expect(() => environment.step(0)).toThrow('after the episode ended');
    const before = environment.getState();
    for (const wrong of [
      {},
      { ...before, kind: 'other' },
      { ...before, version: 2 },
      { ...before, game: '{' },
      { ...before, game: '5' },
      { ...before, game: '[]' },
      { ...before, rng: {} },
    ]) {
      expect(() => environment.setState(wrong as never)).toThrow(CheckpointError);
    }
    expect(environment.getState()).toEqual(before);
  });
});

describe('createSmallEnvironment', () => {
  it('names what there is', () => {
    expect(() => createSmallEnvironment('minatar/pong')).toThrow(NotFoundError);
    expect(() => createSmallEnvironment('constructor')).toThrow('bsuite/catch');
    expect(() => createSmallEnvironment('bsuite/catch', { maxEpisodeAgentSteps: 0 })).toThrow(InvalidArgumentError);
  });

  it('takes the setting of MinAtar there, and refuses it elsewhere', () => {
    const environment = createSmallEnvironment('minatar/freeway', { stickyActionProbability: 1 });
    environment.reset({ seed: 1 });
    // The action before, at first none, is repeated for ever.
    const positions = Array.from({ length: 5 }, () => {
      environment.step(2);
      return environment.peekState().chickenY;
    });
    expect(new Set(positions).size).toBe(1);
    expect(() => createSmallEnvironment('bsuite/catch', { stickyActionProbability: 0 })).toThrow(
      /"?stickyActionProbability"?/,
    );
  });
});

describe('render', () => {
  it('draws boards: a cell of each thing in a color of its own, the rest in the background’s', () => {
    const environment = createSmallEnvironment('bsuite/catch', { seed: 1 });
    const ballColumn = environment.reset().observation.indexOf(1);
    const { width, height, rgb } = environment.render!();
    expect([width, height, rgb.length]).toEqual([80, 160, 80 * 160 * 3]);
    const colorOf = (row: number, column: number) =>
      rgb
        .slice((row * 16 * width + column * 16) * 3)
        .slice(0, 3)
        .join();
    expect(colorOf(0, ballColumn)).toBe(colorOf(9, 2));
    expect(colorOf(0, (ballColumn + 1) % 5)).not.toBe(colorOf(0, ballColumn));
    const breakout = minatarBreakout();
    breakout.reset();
    const picture = breakout.render!();
    const colors = new Set<string>();
    for (let at = 0; at < picture.rgb.length; at += 3) colors.add(picture.rgb.slice(at, at + 3).join());
    // Background, paddle, bricks, and the ball over its trail, as it has not moved yet.
    expect(colors.size).toBe(4);
    expect(createSmallEnvironment('classic-control/acrobot').render).toBeUndefined();
  });
});

describe('Catch', () => {
  it('falls nine steps; following the ball always catches it, running away never', () => {
    const environment = createSmallEnvironment('bsuite/catch');
    for (const [direction, reward] of [
      [1, 1],
      [-1, -1],
    ] as const) {
      for (let episode = 0; episode < 30; episode++) {
        let { observation } = environment.reset();
        expect(Array.from(observation).filter((cell) => cell === 1)).toHaveLength(2);
        const ball = observation.indexOf(1);
        for (let step = 1; step <= 9; step++) {
          const paddle = observation.lastIndexOf(1) % 5;
          const wanted = direction === 1 ? ball : ball < 2 ? 4 : 0;
          const result = environment.step(1 + Math.sign(wanted - paddle));
          observation = result.observation;
          expect(result.terminated).toBe(step === 9);
          expect(result.reward).toBe(step === 9 ? reward : 0);
        }
      }
    }
  });
});

/** A MinAtar game in a given state, without sticky actions. */
function situation(name: string, changes: Record<string, unknown>) {
  const make = SMALL_ENVIRONMENTS[`minatar/${name}`] as typeof minatarBreakout;
  const environment = make({ stickyActionProbability: 0 });
  environment.reset();
  const saved = environment.getState();
  const game = { ...JSON.parse(saved.game as string), ...changes };
  environment.setState({ ...saved, game: JSON.stringify(game) });
  const now = () => JSON.parse(environment.getState().game as string);
  return { environment, now, step: (action: number) => environment.step(action) };
}
const [NOOP, LEFT, UP, RIGHT, DOWN, FIRE] = [0, 1, 2, 3, 4, 5];

describe('MinAtar Breakout', () => {
  const ball = (x: number, y: number, directionX: number, directionY: number) => ({
    ballX: x,
    ballY: y,
    directionX,
    directionY,
  });

  it('bounces off the side wall, the ceiling and the paddle', () => {
    const wall = situation('breakout', ball(9, 5, 1, 1));
    wall.step(NOOP);
    expect(wall.now()).toMatchObject(ball(9, 6, -1, 1));
    const ceiling = situation('breakout', { ...ball(4, 0, 1, -1) });
    ceiling.step(NOOP);
    expect(ceiling.now()).toMatchObject(ball(5, 0, 1, 1));
    const flat = situation('breakout', { ...ball(4, 8, 1, 1), paddleX: 4 });
    expect(flat.step(NOOP).terminated).toBe(false);
    expect(flat.now()).toMatchObject(ball(5, 8, 1, -1));
    const edge = situation('breakout', { ...ball(4, 8, 1, 1), paddleX: 5 });
    expect(edge.step(NOOP).terminated).toBe(false);
    expect(edge.now()).toMatchObject(ball(5, 8, -1, -1));
    const miss = situation('breakout', { ...ball(4, 8, 1, 1), paddleX: 8 });
    expect(miss.step(NOOP).terminated).toBe(true);
  });

  it('takes a brick for a reward of 1 and builds a new wall once all are gone', () => {
    const hit = situation('breakout', ball(4, 4, 1, -1));
    expect(hit.step(NOOP).reward).toBe(1);
    expect(hit.now().bricks[35]).toBe(0);
    expect(hit.now()).toMatchObject(ball(5, 4, 1, 1));
    const empty = situation('breakout', { ...ball(4, 8, 1, 1), paddleX: 4, bricks: new Array(100).fill(0) });
    empty.step(NOOP);
    expect(empty.now().bricks.filter((brick: number) => brick === 1)).toHaveLength(30);
  });

  it('shows paddle, ball, trail and bricks on planes of their own', () => {
    const { environment } = situation('breakout', {});
    const { observation } = environment.step(NOOP);
    const counts = [0, 1, 2, 3].map(
      (plane) => observation.slice(plane * 100, plane * 100 + 100).filter((cell) => cell === 1).length,
    );
    expect(counts).toEqual([1, 1, 1, 30]);
    expect(new Set(observation)).toEqual(new Set([0, 1]));
  });
});

describe('MinAtar Asterix', () => {
  const lanes = (lane: number, mover: object) =>
    Array.from({ length: 8 }, (_, index) => (index === lane ? mover : null));

  it('rewards treasure, ends at an enemy', () => {
    const treasure = situation('asterix', { lanes: lanes(4, { x: 6, direction: -1, isTreasure: true }) });
    expect(treasure.step(RIGHT)).toMatchObject({ reward: 1, terminated: false });
    expect(treasure.now().lanes[4]).toBe(null);
    const enemy = situation('asterix', { lanes: lanes(4, { x: 6, direction: -1, isTreasure: false }) });
    expect(enemy.step(RIGHT)).toMatchObject({ reward: 0, terminated: true });
    const arrives = situation('asterix', { moveTimer: 0, lanes: lanes(4, { x: 6, direction: -1, isTreasure: false }) });
    expect(arrives.step(NOOP).terminated).toBe(true);
  });

  it('keeps the player in the lanes and speeds up with time', () => {
    const { step, now } = situation('asterix', {
      playerX: 0,
      playerY: 1,
      lanes: new Array(8).fill(null),
      spawnTimer: 1e9,
      rampTimer: -1,
    });
    step(UP);
    step(LEFT);
    expect(now()).toMatchObject({ playerX: 0, playerY: 1, spawnInterval: 9, moveInterval: 5, ramps: 1 });
  });
});

describe('MinAtar Freeway', () => {
  const parked = Array.from({ length: 8 }, () => ({ x: 0, direction: 1, interval: 5, timer: 1000 }));

  it('lets the chicken step every third time and rewards the far side', () => {
    const { step, now } = situation('freeway', { cars: parked, moveTimer: 0 });
    const rows: number[] = [];
    let reward = 0;
    for (let count = 0; count < 25; count++) {
      reward += step(UP).reward;
      rows.push(now().chickenY);
    }
    expect(rows.slice(0, 7)).toEqual([8, 8, 8, 7, 7, 7, 6]);
    expect(reward).toBe(1);
    expect(rows.at(-1)).toBe(9);
  });

  it('sends a hit chicken back and ends when the time is up', () => {
    const cars = parked.map((car, lane) => (lane === 4 ? { ...car, x: 3, timer: 0 } : car));
    const { step, now } = situation('freeway', { cars, chickenY: 5 });
    expect(step(NOOP).terminated).toBe(false);
    expect(now().chickenY).toBe(9);
    expect(situation('freeway', { stepsLeft: 0 }).step(NOOP).terminated).toBe(true);
    expect(situation('freeway', { stepsLeft: 1 }).step(DOWN).terminated).toBe(false);
  });
});

describe('MinAtar Space Invaders', () => {
  it('shoots an alien for a reward of 1, not faster than the cannon cools', () => {
    const { step, now } = situation('space-invaders', { cannonX: 5, moveTimer: 1000, shotTimer: 1000 });
    let reward = 0;
    for (let count = 0; count < 7; count++) reward += step(FIRE).reward;
    expect(reward).toBe(1);
    expect(now().aliens).toHaveLength(23);
    expect(now().friendlyBullets).toHaveLength(1);
  });

  it('marches to the edge, then down and back', () => {
    const { step, now } = situation('space-invaders', {
      aliens: [[1, 3]],
      direction: -1,
      moveTimer: 0,
      shotTimer: 1000,
    });
    step(NOOP);
    expect(now().aliens).toEqual([[0, 3]]);
    expect(now().moveTimer).toBe(0);
    step(NOOP);
    expect(now()).toMatchObject({ aliens: [[0, 4]], direction: 1 });
  });

  it('ends at an enemy bullet, an alien at the cannon, an alien that passes the bottom', () => {
    expect(situation('space-invaders', { cannonX: 5, enemyBullets: [[5, 8]] }).step(NOOP).terminated).toBe(true);
    expect(situation('space-invaders', { cannonX: 5, enemyBullets: [[5, 8]] }).step(LEFT).terminated).toBe(false);
    const aliens = [[4, 9]];
    expect(situation('space-invaders', { cannonX: 3, aliens, direction: -1, moveTimer: 0 }).step(NOOP).terminated).toBe(
      true,
    );
    const edge = [[0, 9]];
    expect(
      situation('space-invaders', { cannonX: 7, aliens: edge, direction: -1, moveTimer: 0 }).step(NOOP).terminated,
    ).toBe(true);
  });

  it('sends the next wave faster', () => {
    const { step, now } = situation('space-invaders', {
      aliens: [[5, 7]],
      friendlyBullets: [[5, 8]],
      moveTimer: 9,
      shotTimer: 9,
    });
    expect(step(NOOP).reward).toBe(1);
    expect(now().aliens).toHaveLength(24);
    expect(now().moveInterval).toBe(11);
  });

  it('shoots from the column nearest to the cannon', () => {
    const { step, now } = situation('space-invaders', { cannonX: 9, shotTimer: 0, moveTimer: 9 });
    step(NOOP);
    expect(now().enemyBullets).toEqual([[7, 3]]);
  });
});

describe('MinAtar Seaquest', () => {
  const enemy = { x: 7, y: 4, direction: -1, moveTimer: 9, isSub: false, shotTimer: 9 };
  const diver = { x: 5, y: 4, direction: 1, moveTimer: 9 };

  it('rewards shots, ends on contact with an enemy or its bullet', () => {
    const shot = situation('seaquest', { x: 5, y: 4, facing: 1, enemies: [enemy] });
    shot.step(FIRE);
    expect(shot.step(NOOP)).toMatchObject({ reward: 1, terminated: false });
    expect(shot.now().enemies).toEqual([]);
    expect(situation('seaquest', { x: 6, y: 4, enemies: [enemy] }).step(RIGHT).terminated).toBe(true);
    expect(
      situation('seaquest', { x: 5, y: 4, enemyBullets: [{ x: 6, y: 4, direction: -1 }] }).step(NOOP).terminated,
    ).toBe(true);
    const sub = situation('seaquest', { x: 0, y: 8, enemies: [{ ...enemy, isSub: true, shotTimer: 0 }] });
    sub.step(NOOP);
    expect(sub.now().enemyBullets).toHaveLength(1);
  });

  it('picks up divers, uses oxygen below, and needs a diver to surface', () => {
    const dive = situation('seaquest', { x: 5, y: 4, divers: [diver], oxygen: 100 });
    dive.step(NOOP);
    expect(dive.now()).toMatchObject({ diversOnBoard: 1, divers: [], oxygen: 99 });
    const up = { x: 5, y: 1, isAtSurface: false };
    expect(situation('seaquest', { ...up, diversOnBoard: 0 }).step(UP).terminated).toBe(true);
    const one = situation('seaquest', { ...up, diversOnBoard: 1, oxygen: 50 });
    expect(one.step(UP)).toMatchObject({ reward: 0, terminated: false });
    expect(one.now()).toMatchObject({ diversOnBoard: 0, oxygen: 200, spawnInterval: 19, isAtSurface: true });
    const six = situation('seaquest', { ...up, diversOnBoard: 6, oxygen: 130 });
    expect(six.step(UP).reward).toBe(6);
    expect(six.now().diversOnBoard).toBe(0);
    expect(situation('seaquest', { x: 5, y: 4, oxygen: -1 }).step(NOOP).terminated).toBe(true);
  });
});
