// The rate studies by name.
import { requireOneOf } from '@moe-rl/core';
import { approximationStudy } from './approximation.ts';
import { densityStudy } from './density.ts';
import { estimationStudy } from './estimation.ts';
import { selectionStudy } from './selection.ts';
import type { StudyDefinition } from './study.ts';
import { theoremsStudy } from './theorems.ts';

const STUDIES: readonly StudyDefinition[] = [
  densityStudy,
  approximationStudy,
  estimationStudy,
  theoremsStudy,
  selectionStudy,
];

export const STUDY_NAMES: readonly string[] = STUDIES.map(({ name }) => name);

/** @throws InvalidArgumentError for an unknown name, with those there are */
export function studyByName(name: string): StudyDefinition {
  requireOneOf('study', name, STUDY_NAMES);
  return STUDIES.find((study) => study.name === name)!;
}
