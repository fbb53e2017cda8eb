// How options are read: from text to a value, or an error that names the option.
import { InvalidArgumentError } from '@moe-rl/core';

/** Reads `--seed 3`. @throws InvalidArgumentError for anything but an integer, or one below `least`. */
export function integer(name: string, least?: number): (text: string) => number {
  return (text) => {
    const value = Number(text.replaceAll('_', ''));
    if (text.trim() === '' || !Number.isInteger(value)) {
      throw new InvalidArgumentError(`${name} is ${JSON.stringify(text)}; expected an integer`);
    }
    if (least !== undefined && value < least) {
      throw new InvalidArgumentError(`${name} is ${value}; expected an integer of at least ${least}`);
    }
    return value;
  };
}

/** Reads `--scale 0.1`. @throws InvalidArgumentError for anything but a finite number. */
export function realNumber(name: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) {
      throw new InvalidArgumentError(`${name} is ${JSON.stringify(text)}; expected a number`);
    }
    return value;
  };
}

/** Reads `--variants baseline,soft`. @throws InvalidArgumentError for an empty name. */
export function nameList(name: string): (text: string) => readonly string[] {
  return (text) => {
    const names = text.split(',').map((part) => part.trim());
    if (names.includes('')) {
      throw new InvalidArgumentError(`${name} is ${JSON.stringify(text)}; expected names with commas between them`);
    }
    return names;
  };
}

/** Collects an option that may be given several times. */
export function collected(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}
