// Plays the embedded game in a browser: keyboard in, canvas and sound out, 60 frames a second. Build the package, then serve its folder:
// `npx serve packages/ale-wasm` and open /examples/.
import { EMBEDDED_GAME, EMBEDDED_GAME_ROM } from '../dist/embedded-game.js';
import { Ale, prepareCore, SOUND_SAMPLE_RATE_HERTZ } from '../dist/index.js';

const FRAME_MS = 1000 / 60;
/** By direction bits: up 1, down 2, left 4, right 8, fire 16. */
const ACTIONS = {
  0: 0,
  16: 1,
  1: 2,
  8: 3,
  4: 4,
  2: 5,
  9: 6,
  5: 7,
  10: 8,
  6: 9,
  17: 10,
  24: 11,
  20: 12,
  18: 13,
  25: 14,
  21: 15,
  26: 16,
  22: 17,
};
const KEYS = { ArrowUp: 1, ArrowDown: 2, ArrowLeft: 4, ArrowRight: 8, ' ': 16 };

await prepareCore();
const ale = new Ale(EMBEDDED_GAME_ROM, { game: EMBEDDED_GAME, repeatActionProbability: 0 });
const canvas = document.querySelector('#screen');
const context = canvas.getContext('2d');
const image = context.createImageData(160, ale.game.height);
const status = document.querySelector('#status');
let held = 0;
let score = 0;
let frames = 0;

const restart = () => {
  ale.reset();
  score = 0;
};
addEventListener('keydown', (event) => {
  if (event.key in KEYS) {
    held |= KEYS[event.key];
    event.preventDefault();
  } else if (event.key === 'r' || event.key === 'R') restart();
});
addEventListener('keyup', (event) => {
  if (event.key in KEYS) held &= ~KEYS[event.key];
});
addEventListener('blur', () => {
  held = 0;
});

let audio;
let playedUntil = 0;
const button = document.querySelector('#sound');
button.addEventListener('click', () => {
  if (audio) {
    audio.close();
    audio = undefined;
  } else audio = new AudioContext();
  button.textContent = `Sound: ${audio ? 'on' : 'off'}`;
  button.blur();
});
function playSound() {
  const samples = ale.sound();
  // 512 samples last a little less than a frame: they are played that much slower, so that frames join.
  const buffer = audio.createBuffer(1, samples.length, SOUND_SAMPLE_RATE_HERTZ);
  const channel = buffer.getChannelData(0);
  for (let i = 0; i < samples.length; i++) channel[i] = (samples[i] - 128) / 128;
  const source = audio.createBufferSource();
  source.buffer = buffer;
  source.playbackRate.value = samples.length / SOUND_SAMPLE_RATE_HERTZ / (FRAME_MS / 1000);
  source.connect(audio.destination);
  playedUntil = Math.max(playedUntil, audio.currentTime + 0.03);
  source.start(playedUntil);
  playedUntil += FRAME_MS / 1000;
}

let due = performance.now();
function tick(now) {
  requestAnimationFrame(tick);
  if (now - due > 250) due = now; // the page was hidden
  for (; due <= now; due += FRAME_MS) {
    // Opposite directions cancel each other.
    const directions = (held & 3) === 3 ? held & ~3 : held;
    score += ale.act(ACTIONS[(directions & 12) === 12 ? directions & ~12 : directions] ?? 0);
    frames++;
    if (audio) playSound();
    if (ale.isOver) restart();
  }
  ale.screenRgba(image.data);
  context.putImageData(image, 0, 0);
  status.textContent = `Score ${score}  Lives ${ale.lives}`;
}
requestAnimationFrame(tick);

// For tests, and for the curious.
globalThis.ale = ale;
globalThis.playedFrames = () => frames;
