// Acting through XLA where that is faster: the compiled version of an acting entry point takes over from the recorded one at an agent step, not when the compiler happens to have ended.
// Both round differently, so a run repeats itself, and equals itself resumed, only if the change is a function of the step. The step is therefore part of the agent's state, and acting waits
// there for a compiler that was started well before. Evaluations change over at the same step.
import { InvalidArgumentError, MissingDependencyError, requireInteger } from '@moe-rl/core';
import type { CompiledChoice, Program, ProgramInputs, ProgramOutputs } from '@moe-rl/tfjs-graph';
import type { EntryName } from './entry-points.ts';

/**
 * From which agent step on acting is compiled: `never` (default); a step (0: at once); or `auto`: from 10,000 on where it is known to be faster, else never. Compiling takes 1 to 3 seconds, which
 * some 2,000 actions pay for.
 */
export type CompiledActingChoice = 'auto' | 'never' | number;

const AUTO_AGENT_STEP = 10_000;
/** The compiler starts this many agent steps ahead. */
const LEAD_AGENT_STEPS = 2000;
/** For command lines; what a program asks for goes first. */
const VARIABLE = 'MOE_RL_COMPILED_ACTING';

/**
 * The choice that was given, else the environment's, else `never`.
 * @throws InvalidArgumentError naming where it was given
 */
export function compiledActingChoice(given: CompiledActingChoice | undefined): CompiledActingChoice {
  if (given !== undefined) return checkChoice('compiledActing', given);
  const text = globalThis.process?.env?.[VARIABLE];
  if (text === undefined || text === '') return 'never';
  return checkChoice(VARIABLE, /^\d+$/.test(text) ? Number(text) : text);
}

function checkChoice(place: string, choice: string | number): CompiledActingChoice {
  if (choice === 'auto' || choice === 'never') return choice;
  if (typeof choice === 'number') return requireInteger(place, choice, 0);
  throw new InvalidArgumentError(`${place} is ${JSON.stringify(choice)}; expected auto, never or an agent step`);
}

/** @throws InvalidArgumentError for a step where acting can't be compiled: it would be taken and nothing done; the program is disposed of then */
export function requireCompilable(program: Program<EntryName>, choice: CompiledActingChoice): void {
  if (typeof choice !== 'number' || program.compiled?.has('act')) return;
  program.dispose();
  throw new InvalidArgumentError(
    `compiledActing (or ${VARIABLE}) is ${choice}, but acting can only be compiled where it is recorded on TensorFlow's CPU backend; expected auto or never here`,
  );
}

/** What the acting entry points are recorded with. */
export function compiledEntryPoints(choice: CompiledActingChoice): CompiledChoice {
  return typeof choice === 'number' ? 'always' : choice;
}

/** Runs acting entry points, compiled from the chosen agent step on. */
export class CompiledActing {
  readonly #program: Program<EntryName>;
  readonly #isAuto: boolean;
  #fromAgentStep: number | undefined;

  constructor(program: Program<EntryName>, choice: CompiledActingChoice) {
    this.#program = program;
    this.#isAuto = choice === 'auto';
    const isAtHand = program.compiled?.has('act') ?? false;
    if (isAtHand && choice !== 'never') this.#fromAgentStep = choice === 'auto' ? AUTO_AGENT_STEP : choice;
  }

  /** The agent step of the change; undefined: never. */
  get fromAgentStep(): number | undefined {
    return this.#fromAgentStep;
  }

  /** Goes on as the run did that is resumed; where its functions can't be had, acting stays recorded. */
  restore(fromAgentStep: number | undefined): void {
    const isAtHand = this.#program.compiled?.has('act') ?? false;
    this.#fromAgentStep = isAtHand ? fromAgentStep : undefined;
    if (fromAgentStep === undefined || isAtHand) return;
    globalThis.process?.emitWarning?.(
      `the state acts compiled from agent step ${fromAgentStep} on, which is not at hand here (compiledActing, ${VARIABLE}, the processor): acting stays recorded, with other rounding`,
    );
  }

  async run(name: EntryName, inputs: ProgramInputs, agentStep: number): Promise<ProgramOutputs> {
    const from = this.#fromAgentStep;
    const compiled = this.#program.compiled;
    if (from === undefined || !compiled?.has(name) || agentStep < from - LEAD_AGENT_STEPS) {
      return this.#program.run(name, inputs);
    }
    if (agentStep < from) {
      compiled.start(name, inputs);
      return this.#program.run(name, inputs);
    }
    try {
      return await compiled.run(name, inputs);
    } catch (error) {
      if (!this.#isAuto || !(error instanceof MissingDependencyError)) throw error;
      // The same at every resume, for it is this TensorFlow that lacks something.
      this.#fromAgentStep = undefined;
      globalThis.process?.emitWarning?.(`acting stays uncompiled: ${error.message}`);
      return this.#program.run(name, inputs);
    }
  }
}
