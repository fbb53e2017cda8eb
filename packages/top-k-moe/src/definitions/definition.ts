// What a router is to a program: its name, options, how to make it, and which auxiliary losses fit it.
import type { AuxiliaryLossOffer, MixtureSchedule, OptionSpecs, Router } from '@moe-rl/moe-core';
import type { ScheduledNames } from '../schedules/names.ts';

/** What holds for a router with certain options. */
export interface RouterTraits {
  /**
   * Its own auxiliary losses, and general ones that don't fit with the reason. General ones that are not mentioned are offered: importance,
   * loadBalancing, routerZ and entropy.
   */
  readonly auxiliaryLosses?: Readonly<Record<string, AuxiliaryLossOffer>>;
  /** What this configuration silently can't do, for instance send a gradient to the router. */
  readonly warnings?: readonly string[];
}

/** A router by name. `Options` are plain data. */
export interface RouterDefinition<Options extends object = object> {
  /** The `type` of configurations. */
  readonly type: string;
  /** What it is, in a sentence. */
  readonly description: string;
  readonly options: OptionSpecs;
  create(options: Options): Router;
  /** Its course of training. Left out: there is one stage. */
  schedule?(options: Options, names: ScheduledNames): MixtureSchedule | undefined;
  /** Left out: all general losses fit, and there is nothing to warn of. */
  traits?(options: Options, numExperts: number): RouterTraits;
}
