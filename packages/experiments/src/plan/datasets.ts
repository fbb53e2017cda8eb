// The datasets of an offline experiment: one folder holds one folder a game, under the game's name as we or others write it.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findGame } from '@moe-rl/ale-env';
import { NotFoundError } from '@moe-rl/core';
import { storageError } from '@moe-rl/core/node';

/**
 * Where the dataset of a job lies: `<datasets>/<game>/<seed>` where there is such a folder (Dopamine's replay logs come as five runs a game, numbered from 1),
 * else `<datasets>/<game>`. The game's folder is called as the game is: asterix, Asterix, ALE/Asterix-v5 with _ for /.
 * @returns undefined when the game has no folder there
 */
export function datasetFolder(datasets: string, game: string, seed?: number): string | undefined {
  const entry = readdirSync(datasets).find(
    // A link may lead nowhere.
    (name) => statSync(join(datasets, name), { throwIfNoEntry: false })?.isDirectory() && isNameOf(name, game),
  );
  if (entry === undefined) return undefined;
  const folder = join(datasets, entry);
  const own = join(folder, String(seed));
  return seed !== undefined && existsSync(own) ? own : folder;
}

/**
 * One message for all datasets that are missing, instead of one failed job each.
 * @returns the folder as an absolute path, so that workers find it from anywhere
 * @throws NotFoundError naming the folder, or the games without a dataset
 */
export function requireDatasets(datasets: string, games: readonly string[]): string {
  const folder = resolve(datasets);
  try {
    readdirSync(folder);
  } catch (cause) {
    throw storageError('read', folder, cause);
  }
  const absent = games.filter((game) => datasetFolder(folder, game) === undefined);
  if (absent.length === 0) return folder;
  throw new NotFoundError(
    `${folder} has no dataset of ${absent.join(', ')}; expected a folder for each game, as \`moe-rl train --record-dataset ${join(folder, absent[0]!.replace(/\//g, '_'))}\` makes it or with the logs of Dopamine's replay`,
  );
}

function isNameOf(name: string, game: string): boolean {
  if (name === game.replace(/[^\w.-]/g, '_')) return true;
  try {
    return findGame(name).id === game;
  } catch {
    return false;
  }
}
