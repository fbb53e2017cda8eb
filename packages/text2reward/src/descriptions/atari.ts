// Atari games, described by what their RAM holds. Addresses were checked against the screen with our emulator (`atari.test.ts` does so again where the ROMs are).
// Screen pixels: x from 0 on the left to 159, y from 0 at the top to 209, unless a field says otherwise.
import type { EnvironmentDescription } from '../description/environment-description.ts';
import { addresses, ram } from '../description/fields.ts';
import { ALL_ACTIONS, joystick } from './atari-actions.ts';

export const ATARI_DESCRIPTIONS: readonly EnvironmentDescription[] = [
  {
    id: 'atari/windfall',
    title: 'Windfall',
    rules:
      'Fruit falls from the leaves, one at a time, in one of sixteen columns; a basket below is moved left and right, 3 pixels each frame (12 in an agent step of 4 frames). A fruit is caught when the middles of fruit and basket are at most 15 pixels apart as it reaches the ground, some 52 frames after it shows. A fruit on the ground costs one of three lives. The game ends without lives or with 40 fruits.',
    actions: joystick([0, 3, 4], { RIGHT: 'moves the basket to the right', LEFT: 'moves the basket to the left' }),
    objects: {
      basket: {
        doc: 'the basket, 24 pixels wide: its middle is at x + 12',
        fields: { x: ram(0x83, 'basketX', 'left edge in pixels, 8 to 128') },
      },
      fruit: {
        doc: 'the fruit that falls, 16 pixels wide: its middle is at x + 8',
        fields: {
          x: ram(0x84, 'fruitX', 'left edge in pixels, 12 to 132'),
          row: ram(0x85, 'fruitRow', 'top row, 0 in the leaves to 57 on the ground; it can be caught from 52 on'),
          shape: ram(0x87, 'fruitShape', '0 nothing, 1 to 4 a fruit, 5 a catch, 6 a fruit on the ground'),
        },
      },
    },
    fields: {
      score: ram(0x80, 'score', 'fruits caught, 0 to 40', 'bcd'),
      lives: ram(0x81, 'lives', '3 to 0'),
      pauseFrames: ram(0x88, 'pauseFrames', 'frames until the next fruit; 0 while one falls'),
    },
    knowledge: ['env.pauseFrames is 0 exactly while a fruit falls: only then does its place mean anything.'],
  },
  {
    id: 'atari/breakout',
    title: 'Breakout',
    rules:
      'A ball bounces between walls, a paddle at the bottom and six rows of bricks, which vanish when hit. A ball that gets past the paddle costs one of five lives. FIRE serves.',
    actions: joystick([0, 1, 3, 4], { FIRE: 'serves the ball' }),
    objects: {
      paddle: { doc: 'the paddle, near y = 189', fields: { x: ram(0xc8, 'paddleX', 'left edge, in pixels, plus 47') } },
      ball: {
        doc: 'the ball',
        fields: {
          x: ram(0xe3, 'ballX', 'left edge, in pixels, plus 49: compare with paddle.x'),
          y: ram(0xe5, 'ballY', 'top edge, in pixels from the top, minus 9; 0 when no ball is in play'),
        },
      },
    },
    fields: {
      score: ram([0xcc, 0xcd], 'score', 'points', 'bcd'),
      lives: ram(0xb9, 'lives', '5 to 0'),
    },
  },
  {
    id: 'atari/pong',
    title: 'Pong',
    rules:
      'Two paddles play a ball; the player has the right one, the computer the left. Who misses the ball loses a point; the first with 21 wins.',
    actions: joystick([0, 1, 3, 4, 11, 12], {
      RIGHT: 'moves the paddle up',
      LEFT: 'moves the paddle down',
      RIGHTFIRE: 'moves the paddle up',
      LEFTFIRE: 'moves the paddle down',
    }),
    objects: {
      player: {
        doc: "the player's paddle, on the right",
        fields: {
          y: ram(0xb3, 'playerY', 'top edge; compare with ball.y'),
          score: ram(0x8e, 'playerScore', '0 to 21'),
        },
      },
      opponent: {
        doc: "the computer's paddle, on the left",
        fields: {
          y: ram(0xb2, 'opponentY', 'top edge; compare with ball.y'),
          score: ram(0x8d, 'opponentScore', '0 to 21'),
        },
      },
      ball: {
        doc: 'the ball',
        fields: {
          x: ram(0xb1, 'ballX', 'grows to the right, towards the player'),
          y: ram(0xb6, 'ballY', 'grows downwards; 0 when no ball is in play'),
        },
      },
    },
    fields: {},
  },
  {
    id: 'atari/freeway',
    title: 'Freeway',
    rules:
      'A chicken crosses ten lanes of cars from the bottom to the top, as often as it can in a little more than two minutes. A car pushes it back.',
    actions: joystick([0, 2, 5], { UP: 'walks up', DOWN: 'walks down' }),
    objects: {
      chicken: {
        doc: 'the chicken',
        fields: { y: ram(0x8e, 'chickenY', 'height above the bottom, 6 at the start to 177 at the other side') },
      },
      cars: {
        doc: 'the cars, one in each of ten lanes, the lane at the top first',
        fields: {
          x: ram(
            addresses(0xec, 10),
            'carX',
            'places, 0 to 159 from the right: 157 minus the left edge in pixels',
            'list',
          ),
        },
      },
    },
    fields: { score: ram(0xe7, 'score', 'crossings', 'bcd') },
  },
  {
    id: 'atari/space_invaders',
    title: 'Space Invaders',
    rules:
      'A cannon at the bottom shoots at 36 invaders that march to and fro and come down, and hides from their bombs behind three shields. Three lives.',
    actions: joystick([0, 1, 3, 4, 11, 12], { FIRE: 'shoots' }),
    objects: {
      cannon: { doc: 'the cannon', fields: { x: ram(0x9c, 'cannonX', 'left edge in pixels, plus 1') } },
      invaders: {
        doc: 'the block of invaders',
        fields: {
          x: ram(0x9a, 'invadersX', 'left edge of the block, in pixels, plus 1'),
          count: ram(0x91, 'invadersLeft', 'how many are left, 36 to 0'),
        },
      },
    },
    fields: {
      score: ram([0xe8, 0xe6], 'score', 'points', 'bcd'),
      lives: ram(0xc9, 'lives', '3 to 0'),
    },
  },
  {
    id: 'atari/boxing',
    title: 'Boxing',
    rules:
      'Two boxers are seen from above; the player is the white one. A punch on the nose scores one point, two from close by; 100 points or most points after two minutes win.',
    actions: joystick(ALL_ACTIONS, { FIRE: 'punches' }),
    objects: {
      player: {
        doc: 'the white boxer',
        fields: {
          x: ram(0xa0, 'playerX', 'grows to the right'),
          y: ram(0xa2, 'playerY', 'grows downwards'),
          score: ram(0x92, 'playerScore', '0 to 99', 'bcd'),
        },
      },
      opponent: {
        doc: 'the black boxer',
        fields: {
          x: ram(0xa1, 'opponentX', 'grows to the right'),
          y: ram(0xa3, 'opponentY', 'grows downwards'),
          score: ram(0x93, 'opponentScore', '0 to 99', 'bcd'),
        },
      },
    },
    fields: {},
  },
  {
    id: 'atari/seaquest',
    title: 'Seaquest',
    rules:
      'A submarine shoots sharks and submarines, takes up to six divers on board and has to surface before its oxygen runs out.',
    actions: joystick(ALL_ACTIONS, { FIRE: 'shoots a torpedo' }),
    objects: {
      submarine: {
        doc: "the player's submarine",
        fields: {
          x: ram(0xc6, 'submarineX', 'grows to the right'),
          y: ram(0xe1, 'submarineY', 'grows downwards; 13 at the surface'),
        },
      },
    },
    fields: {
      oxygen: ram(0xe6, 'oxygen', '64 when full, 0 when there is none'),
      divers: ram(0xbe, 'divers', 'divers on board, 0 to 6'),
      score: ram([0xba, 0xb9, 0xb8], 'score', 'points', 'bcd'),
      spareLives: ram(0xbb, 'spareLives', 'lives beyond this one, 3 to 0'),
    },
  },
  {
    id: 'atari/ms_pacman',
    title: 'Ms. Pac-Man',
    rules:
      'Ms. Pac-Man eats the dots of a maze and flees four ghosts; after an energy pill she can eat them for a while.',
    actions: joystick([0, 2, 3, 4, 5, 6, 7, 8, 9]),
    objects: {
      player: {
        doc: 'Ms. Pac-Man',
        fields: { x: ram(0x8a, 'playerX', 'grows to the right'), y: ram(0x90, 'playerY', 'grows downwards') },
      },
      ghosts: {
        doc: 'the four ghosts: orange, cyan, pink, red; lists of equal length',
        fields: {
          x: ram(addresses(0x86, 4), 'ghostX', 'grow to the right', 'list'),
          y: ram(addresses(0x8c, 4), 'ghostY', 'grow downwards', 'list'),
        },
      },
    },
    fields: {
      dotsEaten: ram(0xf7, 'dotsEaten', 'dots of this maze that have been eaten'),
      score: ram([0xf8, 0xf9, 0xfa], 'score', 'points', 'bcd'),
    },
  },
];
