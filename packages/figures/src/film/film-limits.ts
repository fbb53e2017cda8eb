// How long films are: known to the command line's help, which loads nothing else of the video code.

/** Where a film ends at the latest, unless told otherwise: six minutes of Atari. */
export const DEFAULT_FILM_AGENT_STEPS = 5400;

/** The longest film: an Atari episode at its official limit of half an hour. Its pictures, which are in memory all together, take some 4 GB. */
export const MAX_FILM_AGENT_STEPS = 27_000;
