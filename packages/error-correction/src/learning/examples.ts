// Training examples of the three kinds, and how exploration makes them.
import { act, tryAction } from '../household/checker.ts';
import { expertPlan } from '../household/expert.ts';
import { isRejection } from '../household/feedback.ts';
import { END } from '../household/parse.ts';
import { copyWorld } from '../household/world.ts';
import { type EpisodeOptions, type Problem, playEpisodes, situationOf } from './episodes.ts';
import type { Correction, Judgement, Roles, Situation } from './roles.ts';

/** A question of a role and the answer that is to be learned. */
export type Example =
  | { readonly role: 'plan'; readonly question: Situation; readonly answer: string }
  | { readonly role: 'judge'; readonly question: Judgement; readonly answer: string }
  | { readonly role: 'correct'; readonly question: Correction; readonly answer: string };

export const EXAMPLE_ROLES = ['plan', 'judge', 'correct'] as const;
export type ExampleRole = (typeof EXAMPLE_ROLES)[number];

/** A problem with an expert's plan. */
export interface Demonstration extends Problem {
  readonly plan: readonly string[];
}

/** Has the expert solve problems. */
export const demonstrate = (problems: readonly Problem[]): readonly Demonstration[] =>
  problems.map((problem) => ({ ...problem, plan: expertPlan(problem.world, problem.task) }));

/** Planning examples of expert plans: every prefix, and END behind the whole plan. */
export function planExamples(demonstrations: readonly Demonstration[]): readonly Example[] {
  return demonstrations.flatMap((demonstration) =>
    prefixesOf(demonstration).map(
      ({ situation, next }): Example => ({ role: 'plan', question: situation, answer: next }),
    ),
  );
}

/** How a model proposes next steps while it explores along expert plans. */
export type Proposer = (situations: readonly Situation[]) => Promise<readonly string[]>;

/**
 * Teacher-guided exploration: along each expert plan the model proposes the next step. What the household answers is feedback data, and where it rejects the
 * proposal, the expert's step is the correction.
 * @param proposers each proposes once for every step. Default: the planning role
 */
export async function exploreGuided(
  roles: Roles,
  demonstrations: readonly Demonstration[],
  {
    signal,
    proposers = [roles.plan],
  }: Pick<EpisodeOptions, 'signal'> & { readonly proposers?: readonly Proposer[] } = {},
): Promise<readonly Example[]> {
  const all = demonstrations.flatMap(prefixesOf);
  const prefixes = all.filter(({ next }) => next !== END);
  const situations = prefixes.map(({ situation }) => situation);
  const proposals: (readonly string[])[] = [];
  for (const propose of proposers) {
    signal?.throwIfAborted();
    proposals.push(await propose(situations));
  }
  const own = all.map(
    ({ situation, world, task, next }): Example => ({
      role: 'judge',
      question: { ...situation, action: next },
      answer: tryAction(world, next, task).text,
    }),
  );
  const others = prefixes.flatMap(({ situation, world, task, next }, index): readonly Example[] => {
    const proposed = new Set(proposals.map((actions) => actions[index]!));
    proposed.delete(next);
    return [...proposed].flatMap((action): readonly Example[] => {
      const feedback = tryAction(world, action, task);
      const judged: Example = { role: 'judge', question: { ...situation, action }, answer: feedback.text };
      if (!isRejection(feedback)) return [judged];
      return [judged, { role: 'correct', question: { ...situation, action, feedback: feedback.text }, answer: next }];
    });
  });
  return [...own, ...others];
}

/** How a model corrects rejected steps while it explores alone. */
export type Corrector = (corrections: readonly Correction[]) => Promise<readonly string[]>;

/** Steps of a model alone at most. */
const MAX_TURNS = 25;

/**
 * Teacher-free exploration: the model acts alone until END or 25 steps. Its steps give feedback data; for a rejected one it is asked for a correction, which
 * is kept only if the household accepts it and the model, going on from there, finishes the task. Most of what is accepted brings no task nearer (to walk to
 * the fridge when standing at it), and a corrector that learns it walks in circles.
 * @param correctors asked one after the other for steps that have no kept correction yet. Default: the correction role
 */
export async function exploreFree(
  roles: Roles,
  problems: readonly Problem[],
  {
    correctors = [roles.correct],
    ...options
  }: Pick<EpisodeOptions, 'signal' | 'onTurn'> & { readonly correctors?: readonly Corrector[] } = {},
): Promise<readonly Example[]> {
  const worlds = new Map<Correction, Problem>();
  const episodes = await playEpisodes(roles, problems, { ...options, maxTurns: MAX_TURNS });
  const examples: Example[] = [];
  const rejected: Correction[] = [];
  for (const { problem, steps, endedIn } of episodes) {
    const world = copyWorld(problem.world);
    const reject = (situation: Situation, action: string, feedback: string): void => {
      const correction = { ...situation, action, feedback };
      rejected.push(correction);
      worlds.set(correction, { task: problem.task, world: copyWorld(world) });
    };
    // What was rejected since the household changed last: tried again it is rejected again, which says nothing new, and a model that is stuck does so for long.
    const rejectedHere = new Set<string>();
    for (const { situation, action, feedback } of steps) {
      if (rejectedHere.has(action)) continue;
      examples.push({ role: 'judge', question: { ...situation, action }, answer: feedback.text });
      if (isRejection(feedback)) {
        reject(situation, action, feedback.text);
        rejectedHere.add(action);
      } else {
        act(world, action);
        rejectedHere.clear();
      }
    }
    if (endedIn !== undefined) {
      const { text } = tryAction(world, END, problem.task);
      examples.push({ role: 'judge', question: { ...endedIn, action: END }, answer: text });
      reject(endedIn, END, text);
    }
  }
  let open: readonly Correction[] = rejected;
  for (const correct of correctors) {
    if (open.length === 0) break;
    options.signal?.throwIfAborted();
    const corrections = await correct(open);
    const accepted: { readonly question: Correction; readonly action: string; readonly problem: Problem }[] = [];
    const kept = new Set<Correction>();
    const keep = (question: Correction, action: string): void => {
      kept.add(question);
      examples.push({ role: 'correct', question, answer: action });
    };
    open.forEach((question, index) => {
      const action = corrections[index]!;
      const { world: before, task } = worlds.get(question)!;
      if (action === END || action === question.action) return;
      const world = copyWorld(before);
      const feedback = act(world, action, task);
      const { feedback: _, ...situation } = question;
      examples.push({ role: 'judge', question: { ...situation, action }, answer: feedback.text });
      if (feedback.kind === 'finished') keep(question, action);
      else if (!isRejection(feedback)) {
        accepted.push({ question, action, problem: { task, world, history: [...question.history, action] } });
      }
    });
    const goingOn = accepted.map(({ problem }) => problem);
    const outcomes = await playEpisodes(roles, goingOn, { ...options, maxTurns: MAX_TURNS });
    accepted.forEach(({ question, action }, index) => {
      if (outcomes[index]!.end === 'finished') keep(question, action);
    });
    open = open.filter((question) => !kept.has(question));
  }
  return examples;
}

/** The situations along an expert plan, each with the household as it is then and the expert's next step. */
function prefixesOf({ task, world, plan }: Demonstration) {
  const present = copyWorld(world);
  return [...plan, END].map((next, index) => {
    const prefix = {
      situation: situationOf(present, task, plan.slice(0, index)),
      world: copyWorld(present),
      task,
      next,
    };
    if (next !== END) act(present, next);
    return prefix;
  });
}
