// ALE's environment around a console: power-on and reset sequences, actions on joystick and paddles, sticky actions, rules, truncation.
import { RAM_PAGE, cpu, environment, riot, tia } from './state';
import { powerOn, resetSystem, runFrame } from './console';
import { drawEnvironment, drawEnvironmentDouble, seedEnvironment } from './random';
import { CODE, REQUEST_ACT, REQUEST_RANDOM, REQUEST_SELECT, REQUEST_SOFT_RESET, argument, continueProcedure, evaluateRules, isStuck, lastRead, procedureAt, readOutputs, request, setVariable, startRules } from './rules';
import { setFormat } from './tia-registers';
import { setWindow } from './tia-line';

// ---- the game and the settings, set by the host before power-on
export let windowRows: i32 = 210;
let nominalRows: i32 = 210;
const NTSC_ROWS = 210, PAL_ROWS = 250;
let windowFirst: i32 = 34;
let hmoveBlanks: bool = true;
/** 0 NTSC, 1 PAL, 2 find out by running 60 frames. */
let format: i32 = 2;
export let isPal: bool = false;
let leftPaddles: bool = false, rightPaddles: bool = false, swapPorts: bool = false, swapPaddles: bool = false;
let powerOnSwitches: i32 = 0;
let paddleMaximum: i32 = 790196;
let legalActions: i32 = 0x3ffff;
/** Actions played at the end of a reset: offset in the rules' code area, and how many. */
let startingActionsAt: i32 = 0, startingActionCount: i32 = 0;
export function setGame(first: i32, rows: i32, blanks: bool, tv: i32, controllers: i32, switches: i32, maximum: i32, legal: i32, startingAt: i32, startingCount: i32): void {
  windowFirst = first;
  windowRows = nominalRows = rows;
  hmoveBlanks = blanks;
  format = tv;
  leftPaddles = (controllers & 1) != 0;
  rightPaddles = (controllers & 2) != 0;
  swapPorts = (controllers & 4) != 0;
  swapPaddles = (controllers & 8) != 0;
  powerOnSwitches = switches;
  paddleMaximum = maximum;
  legalActions = legal;
  startingActionsAt = startingAt;
  startingActionCount = startingCount;
}
export let frameSkip: i32 = 1;
let repeatActionProbability: f64 = 0;
let maximumEpisodeFrames: i32 = 0;
let truncateOnLossOfLife: bool = false;
let rewardMinimum: i32 = i32.MIN_VALUE, rewardMaximum: i32 = i32.MAX_VALUE;
export function setSettings(skip: i32, repeat: f32, maximumFrames: i32, truncate: bool, minimum: i32, maximum: i32): void {
  frameSkip = skip;
  repeatActionProbability = <f64>repeat;
  maximumEpisodeFrames = maximumFrames;
  truncateOnLossOfLife = truncate;
  rewardMinimum = minimum;
  rewardMaximum = maximum;
}

// ---- actions
const NOOP = 0, CONSOLE_RESET = 40;
const PADDLE_MINIMUM = 27450, PADDLE_STEP: f64 = 23000;
/** Bits up 1, down 2, left 4, right 8, fire 16 of the actions 0..17. */
const DIRECTIONS: usize = memory.data<u8>([0, 16, 1, 8, 4, 2, 9, 5, 10, 6, 17, 24, 20, 18, 25, 21, 26, 22]);
/** A paddle's resistance as the cycles its capacitor takes. */
@inline function paddleCycles(resistance: i32): i32 { return <i32>(1.6 * <f64>resistance * 0.01e-6 * 1.19e6); }
function centre(): i32 { return (PADDLE_MINIMUM + paddleMaximum) / 2; }

function setPins(action: i32, liveSwitches: bool, select: bool): void {
  const directions = action < 18 ? <i32>load<u8>(DIRECTIONS + action) : 0;
  let swcha = 0xff, fireLeft = 0x80, fireRight = 0x80;
  const fire = (directions & 16) != 0;
  tia.paddle0 = tia.paddle1 = leftPaddles ? -2 : -1;
  tia.paddle2 = tia.paddle3 = rightPaddles ? -2 : -1;
  if (leftPaddles) {
    if (liveSwitches) {
      const a = paddleCycles(environment.paddleA), b = paddleCycles(environment.paddleB);
      tia.paddle0 = swapPaddles ? b : a;
      tia.paddle1 = swapPaddles ? a : b;
    }
    if (fire) swcha &= swapPaddles ? ~0x40 : ~0x80;
  } else if (swapPorts) {
    swcha &= ~(directions & 15);
    if (fire) fireRight = 0;
  } else {
    swcha &= ~((directions & 15) << 4);
    if (fire) fireLeft = 0;
  }
  riot.swcha = swcha & 0xff;
  tia.inpt4 = fireLeft;
  tia.inpt5 = fireRight;
  const difficulty = liveSwitches ? environment.difficulty : powerOnSwitches;
  riot.swchb = 0x3f & ~(action == CONSOLE_RESET ? 1 : 0) & ~(select ? 2 : 0) | (difficulty & 1 ? 0x40 : 0) | (difficulty & 2 ? 0x80 : 0);
}
function movePaddle(action: i32): void {
  if (!leftPaddles || action >= 18) return;
  const directions = <i32>load<u8>(DIRECTIONS + action);
  const step = <i32>(PADDLE_STEP * Math.abs(<f64>environment.strength));
  let paddle = environment.paddleA;
  if (directions & 4) paddle += step;
  else if (directions & 8) paddle -= step;
  environment.paddleA = max(PADDLE_MINIMUM, min(paddleMaximum, paddle));
}
function emulate(action: i32): void {
  setPins(action, true, false);
  runFrame();
  evaluateRules();
  cpu.bus = lastRead;
}
/** After which ALE reads all of RAM. */
function emulateFrames(action: i32, count: i32): void {
  for (let i = 0; i < count; i++) emulate(action);
  cpu.bus = load<u8>(RAM_PAGE + 0xff);
}

// ---- power-on and reset
/** Loads the inserted ROM into the active console: what ALE's loadROM does, up to and including its one environment reset. */
export function loadEnvironment(seed: u32, mode: i32, difficulty: i32): i32 {
  powerOn();
  environment.mode = mode;
  environment.difficulty = difficulty;
  seedEnvironment(seed);
  isPal = format == 1;
  setFormat(isPal, hmoveBlanks);
  setWindow(windowFirst, windowRows = nominalRows);
  setPins(NOOP, false, false);
  resetSystem();
  let long = 0;
  for (let i = 0; i < 60; i++) {
    runFrame();
    if (i >= 30 && tia.scanlines > 285) long++;
  }
  if (format == 2) isPal = long >= 15;
  setFormat(isPal, hmoveBlanks);
  if (isPal && nominalRows == NTSC_ROWS) setWindow(windowFirst, windowRows = PAL_ROWS);
  resetSystem();
  environment.strength = 1;
  environment.frameNumber = 0;
  startRules();
  readOutputs();
  environment.startLives = environment.lives;
  return resetEnvironment();
}

/** Frames of SELECT after which a mode procedure is given up: RAM can hold values that no game writes, and then ALE itself hangs. */
const PROCEDURE_LIMIT_FRAMES = 20000;

/** Starts an episode. Returns 0, or 1 when the game's mode could not be selected. */
export function resetEnvironment(): i32 {
  environment.episodeFrameNumber = 0;
  environment.paddleA = environment.paddleB = centre();
  resetSystem();
  environment.action = NOOP;
  emulateFrames(NOOP, 60);
  softReset();
  startRules();
  readOutputs();
  const failed = procedureAt >= 0 ? selectMode() : 0;
  softReset();
  for (let i = 0; i < startingActionCount; i++) emulateFrames(<i32>load<u8>(CODE + startingActionsAt + i), 1);
  return failed;
}
function softReset(): void {
  environment.action = NOOP;
  emulateFrames(CONSOLE_RESET, 4);
}
function selectMode(): i32 {
  let at = procedureAt, frames = 0;
  while (true) {
    at = continueProcedure(at);
    if (at < 0) return i32(isStuck);
    switch (request) {
      case REQUEST_SELECT: {
        const held = max(1, min(argument, 300));
        setPins(NOOP, true, true);
        for (let i = 0; i < held; i++) runFrame();
        emulateFrames(NOOP, 1);
        environment.frameNumber++;
        environment.episodeFrameNumber++;
        frames += held + 1;
        break;
      }
      case REQUEST_SOFT_RESET: softReset(); frames += 4; break;
      case REQUEST_ACT: actOnce(argument); frames += frameSkip; break;
      case REQUEST_RANDOM: setVariable(argument, <i32>drawEnvironment()); break;
    }
    if (++frames > PROCEDURE_LIMIT_FRAMES) return 1;
  }
}

// ---- acting
export function isTruncated(): bool {
  return (maximumEpisodeFrames > 0 && environment.episodeFrameNumber >= maximumEpisodeFrames) || (truncateOnLossOfLife && environment.lives < environment.startLives);
}
@inline export function isOver(): bool { return environment.gameOver != 0 || isTruncated(); }

/** Draws the sticky-action values of one frame and takes the action, or stays with the one before. */
@inline export function takeAction(action: i32, strength: f32): void {
  if (drawEnvironmentDouble() >= repeatActionProbability) {
    environment.action = action;
    environment.strength = strength;
  }
  drawEnvironmentDouble(); // player B's
}
/** One frame with the current action. Returns its reward. */
export function emulateAction(): i32 {
  movePaddle(environment.action);
  emulateFrames(environment.action, 1);
  environment.frameNumber++;
  environment.episodeFrameNumber++;
  return environment.reward;
}
/** act() inside a mode procedure: every frame drawn. */
function actOnce(action: i32): void {
  for (let i = 0; i < frameSkip; i++) {
    takeAction(action, 1);
    if (!isOver()) emulateAction();
  }
}
@inline export function legalAction(requested: i32): i32 { return <u32>requested < 18 && (legalActions >> requested) & 1 ? requested : NOOP; }
@inline export function clampReward(reward: i32): i32 { return max(rewardMinimum, min(rewardMaximum, reward)); }
