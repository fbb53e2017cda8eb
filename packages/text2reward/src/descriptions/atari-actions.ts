// Names of the joystick's 18 actions, by ALE's codes.
import type { ActionDescription } from '../description/environment-description.ts';

const NAMES = [
  ...['NOOP', 'FIRE', 'UP', 'RIGHT', 'LEFT', 'DOWN', 'UPRIGHT', 'UPLEFT', 'DOWNRIGHT', 'DOWNLEFT', 'UPFIRE'],
  ...['RIGHTFIRE', 'LEFTFIRE', 'DOWNFIRE', 'UPRIGHTFIRE', 'UPLEFTFIRE', 'DOWNRIGHTFIRE', 'DOWNLEFTFIRE'],
];

/** Actions of a game, in the order of its minimal action set. */
export function joystick(
  codes: readonly number[],
  docs: Readonly<Record<string, string>> = {},
): readonly ActionDescription[] {
  return codes.map((code) => {
    const name = NAMES[code]!;
    return { name, doc: docs[name] ?? MEANINGS[name] ?? 'moves and fires' };
  });
}

const MEANINGS: Readonly<Record<string, string>> = {
  NOOP: 'does nothing',
  FIRE: 'presses the button',
  UP: 'joystick up',
  RIGHT: 'joystick to the right',
  LEFT: 'joystick to the left',
  DOWN: 'joystick down',
  UPRIGHT: 'joystick up and to the right',
  UPLEFT: 'joystick up and to the left',
  DOWNRIGHT: 'joystick down and to the right',
  DOWNLEFT: 'joystick down and to the left',
};

/** All codes, for games that use every action. */
export const ALL_ACTIONS: readonly number[] = NAMES.map((_, code) => code);
