// The small environments, described: classic control, Catch and the MinAtar games. Simulator names are those of their states.
import type { ActionDescription, EnvironmentDescription } from '../description/environment-description.ts';
import { flag, list, state } from '../description/fields.ts';

const MINATAR_ACTIONS: readonly ActionDescription[] = [
  { name: 'NOOP', doc: 'does nothing' },
  { name: 'LEFT', doc: 'one cell to the left' },
  { name: 'UP', doc: 'one cell up' },
  { name: 'RIGHT', doc: 'one cell to the right' },
  { name: 'DOWN', doc: 'one cell down' },
  { name: 'FIRE', doc: 'fires' },
];
const BOARD = 'The board has 10 x 10 cells; x grows to the right and y downwards, both from 0 to 9.';
const DIRECTION = '1 goes right, -1 left';

export const SMALL_DESCRIPTIONS: readonly EnvironmentDescription[] = [
  {
    id: 'classic-control/cart-pole',
    title: 'CartPole',
    rules:
      'A pole stands on a cart that is pushed left or right at every step. The episode ends when the pole leans more than 0.2095 radians or the cart is more than 2.4 from the middle, or after 500 steps.',
    actions: [
      { name: 'LEFT', doc: 'pushes the cart to the left' },
      { name: 'RIGHT', doc: 'pushes the cart to the right' },
    ],
    objects: {
      cart: {
        doc: 'the cart',
        fields: {
          position: state('position', 'meters from the middle, -2.4 to 2.4'),
          velocity: state('velocity', 'meters per second'),
        },
      },
      pole: {
        doc: 'the pole on the cart',
        fields: {
          angle: state('angle', 'radians from upright, -0.2095 to 0.2095'),
          angularVelocity: state('angularVelocity', 'radians per second'),
        },
      },
    },
    fields: {},
  },
  {
    id: 'classic-control/mountain-car',
    title: 'MountainCar',
    rules:
      'A car too weak for the hill on the right has to swing up. The episode ends at position 0.5, the goal, or after 200 steps. The height of the road is sin(3 * position).',
    actions: [
      { name: 'LEFT', doc: 'accelerates to the left' },
      { name: 'NOOP', doc: 'does not accelerate' },
      { name: 'RIGHT', doc: 'accelerates to the right' },
    ],
    objects: {
      car: {
        doc: 'the car',
        fields: {
          position: state('position', '-1.2 to 0.6; the valley is at -0.52, the goal at 0.5'),
          velocity: state('velocity', 'per step, -0.07 to 0.07'),
        },
      },
    },
    fields: {},
  },
  {
    id: 'classic-control/acrobot',
    title: 'Acrobot',
    rules:
      'Two links hang from a pivot; a torque on the joint between them has to swing the tip above a line one link above the pivot: -cos(upper.angle) - cos(upper.angle + lower.angle) > 1 ends the episode; so does step 500.',
    actions: [
      { name: 'LEFT', doc: 'torque -1' },
      { name: 'NOOP', doc: 'no torque' },
      { name: 'RIGHT', doc: 'torque 1' },
    ],
    objects: {
      upper: {
        doc: 'the link at the pivot',
        fields: {
          angle: state('angle1', 'radians from hanging down'),
          speed: state('speed1', 'radians per second'),
        },
      },
      lower: {
        doc: 'the link below it',
        fields: {
          angle: state('angle2', 'radians relative to the upper link'),
          speed: state('speed2', 'radians per second'),
        },
      },
    },
    fields: {},
  },
  {
    id: 'bsuite/catch',
    title: 'Catch',
    rules:
      'A ball falls straight down a board of 10 rows and 5 columns, one row a step, from a random column; the paddle in the bottom row, row 9, has to be under it when it lands. An episode is 9 steps.',
    actions: [
      { name: 'LEFT', doc: 'moves the paddle one column to the left' },
      { name: 'NOOP', doc: 'leaves it' },
      { name: 'RIGHT', doc: 'moves it one column to the right' },
    ],
    objects: {
      ball: {
        doc: 'the falling ball',
        fields: {
          row: state('ballRow', '0 at the top to 9', 'ballRow'),
          column: state('ballColumn', '0 to 4'),
        },
      },
      paddle: { doc: 'the paddle', fields: { column: state('paddleColumn', '0 to 4') } },
    },
    fields: {},
  },
  {
    id: 'minatar/breakout',
    title: 'MinAtar Breakout',
    rules: `A ball flies diagonally, one cell a step; three rows of bricks are rows 1 to 3; a paddle one cell wide moves in row 9. A brick that is hit is gone; the episode ends when the ball gets past the paddle. ${BOARD}`,
    actions: MINATAR_ACTIONS,
    objects: {
      paddle: { doc: 'the paddle, in row 9', fields: { x: state('paddleX', 'column, 0 to 9') } },
      ball: {
        doc: 'the ball',
        fields: {
          x: state('ballX', 'column, 0 to 9'),
          y: state('ballY', 'row, 0 to 9'),
          directionX: state('directionX', DIRECTION),
          directionY: state('directionY', '1 goes down, -1 up'),
        },
      },
    },
    fields: { bricks: list('bricks', 'bricks', 100, '1 where a brick is, else 0, at 10 * y + x') },
  },
  {
    id: 'minatar/asterix',
    title: 'MinAtar Asterix',
    rules: `Enemies and treasures cross the board in eight lanes, rows 1 to 8, one in each at most; the player collects treasures and must not touch enemies, which ends the episode. Everything gets faster. ${BOARD}`,
    actions: MINATAR_ACTIONS,
    objects: {
      player: {
        doc: 'the player',
        fields: { x: state('playerX', 'column, 0 to 9'), y: state('playerY', 'row, 1 to 8') },
      },
      lanes: {
        doc: 'what moves in the lanes; element k is the lane in row k + 1; all -1 where a lane is empty',
        fields: {
          x: list('lanes[].x', 'laneX', 8, 'columns, 0 to 9'),
          direction: list('lanes[].direction', 'laneDirection', 8, DIRECTION),
          isTreasure: list('lanes[].isTreasure', 'laneIsTreasure', 8, '1 for a treasure, 0 for an enemy'),
        },
      },
    },
    fields: {},
  },
  {
    id: 'minatar/freeway',
    title: 'MinAtar Freeway',
    rules: `A chicken in column 4 crosses eight lanes of cars, rows 1 to 8, from row 9 to row 0, as often as it can in 2,500 steps. A car puts it back to row 9. It can move at every third step. ${BOARD}`,
    actions: MINATAR_ACTIONS,
    objects: {
      chicken: { doc: 'the chicken, in column 4', fields: { y: state('chickenY', 'row; 9 is the start, 0 the goal') } },
      cars: {
        doc: 'the cars; element k is the car in row k + 1',
        fields: {
          x: list('cars[].x', 'carX', 8, 'columns, 0 to 9'),
          direction: list('cars[].direction', 'carDirection', 8, DIRECTION),
          interval: list('cars[].interval', 'carInterval', 8, 'moves every so many steps, 1 to 5'),
        },
      },
    },
    fields: {
      moveTimer: state('moveTimer', 'steps until the chicken can move'),
      stepsLeft: state('stepsLeft', 'steps until the time is up'),
    },
  },
  {
    id: 'minatar/seaquest',
    title: 'MinAtar Seaquest',
    rules: `A submarine shoots fish and submarines, takes divers on board and surfaces (row 0) before its oxygen runs out, with at least one diver. Touching an enemy or its bullet ends the episode; so does surfacing without a diver. ${BOARD}`,
    actions: MINATAR_ACTIONS,
    objects: {
      submarine: {
        doc: "the player's submarine",
        fields: {
          x: state('x', 'column of its front, 0 to 9', 'submarineX'),
          y: state('y', 'row, 0 (surface) to 8', 'submarineY'),
          facing: state('facing', '1 faces right, -1 left', 'submarineFacing'),
        },
      },
      enemies: {
        doc: 'fish and submarines; lists of equal length',
        fields: {
          x: list('enemies[].x', 'enemyX', 30, 'columns'),
          y: list('enemies[].y', 'enemyY', 30, 'rows'),
          direction: list('enemies[].direction', 'enemyDirection', 30, DIRECTION),
        },
      },
      divers: {
        doc: 'divers in the water; lists of equal length',
        fields: {
          x: list('divers[].x', 'diverX', 20, 'columns'),
          y: list('divers[].y', 'diverY', 20, 'rows'),
        },
      },
      bullets: {
        doc: "enemies' bullets; lists of equal length",
        fields: {
          x: list('enemyBullets[].x', 'enemyBulletX', 30, 'columns'),
          y: list('enemyBullets[].y', 'enemyBulletY', 30, 'rows'),
        },
      },
    },
    fields: {
      oxygen: state('oxygen', 'steps of oxygen left, 0 to 200'),
      diversOnBoard: state('diversOnBoard', '0 to 6'),
      isAtSurface: flag('isAtSurface', 'whether the submarine is at the surface'),
    },
  },
  {
    id: 'minatar/space-invaders',
    title: 'MinAtar Space Invaders',
    rules: `A cannon in row 9 shoots at 24 aliens that march to and fro and come down. The episode ends when an alien or a bullet reaches the cannon, or an alien the bottom. ${BOARD}`,
    actions: MINATAR_ACTIONS,
    objects: {
      cannon: { doc: 'the cannon, in row 9', fields: { x: state('cannonX', 'column, 0 to 9') } },
      aliens: {
        doc: 'the aliens; lists of equal length',
        fields: {
          x: list('aliens[].0', 'alienX', 24, 'columns'),
          y: list('aliens[].1', 'alienY', 24, 'rows'),
        },
      },
      bullets: {
        doc: "the aliens' bullets; lists of equal length",
        fields: {
          x: list('enemyBullets[].0', 'enemyBulletX', 30, 'columns'),
          y: list('enemyBullets[].1', 'enemyBulletY', 30, 'rows'),
        },
      },
    },
    fields: {
      direction: state('direction', 'where the aliens march: -1 left, 1 right'),
      coolDown: state('coolDown', 'steps until the cannon can fire again'),
    },
  },
];
