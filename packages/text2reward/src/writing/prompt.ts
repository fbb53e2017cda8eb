// The prompts of Text2Reward (arXiv 2309.11489): role, actions, usual parts of rewards, the class text, further knowledge, examples, the goal, output rules.
import { classText } from '../description/class-text.ts';
import type { EnvironmentDescription } from '../description/environment-description.ts';
import type { ChatMessage } from '../language-model.ts';
import type { RewardExample } from './examples.ts';

const ROLE = `You write reward functions for reinforcement learning agents, in plain JavaScript. An agent acts in an environment; after each of its steps your function is given the environment before and after the step, and its number is what the agent learns to collect.`;

const PARTS = [
  'how much nearer the thing that matters came in this step: the distance in `previous` minus that in `env`, scaled to about 1',
  'how near it is now, as a small bonus for staying there',
  'the event that the goal is about (a catch, a point), paid once, when it happens, and larger than the rest',
  'a small price for what should be avoided, such as needless movement, when the goal asks for it',
];

const RULES = [
  'Think first, in a few sentences. Then give the whole program in one fenced code block that begins with ```js.',
  'Define exactly one function `computeReward(env, action, previous)` that returns a finite number; helper functions and constants may stand beside it.',
  '`env` and `previous` are of class Environment; `action` is the name of the action that was taken between them.',
  'Use only fields that are listed; everything else throws. They are for reading.',
  'No types, no imports, no exports, no classes, no async functions; no Date, no randomness, no regular expressions, no printing. Nothing is kept from one call to the next.',
  'The learner clips rewards to -1 .. 1: keep the sum within. Guard every division. Comments are welcome.',
];

/** What a model is told before anything has gone wrong. */
export function writingPrompt(
  description: EnvironmentDescription,
  goal: string,
  examples: readonly RewardExample[],
): readonly ChatMessage[] {
  const { title, rules, actions, knowledge = [] } = description;
  const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');
  const sections = [
    `The environment is ${title}. ${rules}`,
    `The agent has ${actions.length} actions: ${actions.map(({ name }) => name).join(', ')}.`,
    `Rewards usually have some of these parts:\n${bullets(PARTS)}`,
    `The environment as classes:\n\`\`\`ts\n${classText(description)}\n\`\`\``,
    ...(knowledge.length === 0 ? [] : [`Good to know:\n${bullets(knowledge)}`]),
    ...(examples.length === 0
      ? []
      : [
          `Rewards for other goals, in other environments:\n${examples
            .map(
              ({ title: other, goal: one, source }) =>
                `Environment: ${other}\nGoal: ${one}\n\`\`\`js\n${source.trimEnd()}\n\`\`\``,
            )
            .join('\n\n')}`,
        ]),
    `The goal: ${goal}`,
    `Rules:\n${bullets(RULES)}`,
  ];
  return [
    { role: 'system', content: ROLE },
    { role: 'user', content: sections.join('\n\n') },
  ];
}

/** What is asked after a reply without a program. */
export const NO_PROGRAM_PROMPT =
  'Your answer has no fenced code block. Give the whole program again, in one fenced code block that begins with ```js.';

/** What is asked after a program that failed. */
export function repairPrompt(message: string): string {
  return `The program was run in the environment and refused: ${message}\nFind the cause and give the whole program again, in one fenced code block that begins with \`\`\`js.`;
}

/** What a person saw and wants. */
export function refinementPrompt(seen: string, advice: string): string {
  return `An agent was trained with this reward. What was seen: ${seen}\nAdvice from the person who watched it: ${advice}\nImprove the code: give the whole program again, in one fenced code block that begins with \`\`\`js.`;
}
