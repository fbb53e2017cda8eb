"""ALE's side of the emulator benchmark. Reads commands, one per line, and answers each with the CPU seconds it took (own words, not wall clock:
other programs may run). `act GAME SKIP` / `gymnasium GAME` / `vector GAME CONSOLES` choose what runs; `go N` runs it N times."""
import os
import sys
import time

import ale_py
from ale_py import ALEInterface, LoggerMode

ALEInterface.setLoggerMode(LoggerMode.Error)


def indices(seed, count, choices, hold):
    x, index, out = seed, 0, []
    for t in range(count):
        if t % hold == 0:
            x = (1664525 * x + 1013904223) & 0xFFFFFFFF
            index = (x >> 16) % choices
        out.append(index)
    return out


def act(game, skip):
    ale = ALEInterface()
    ale.setInt("random_seed", 1)
    ale.setInt("frame_skip", skip)
    ale.setFloat("repeat_action_probability", 0.0)
    ale.loadROM(os.path.join(os.path.dirname(ale_py.__file__), "roms", game + ".bin"))
    minimal = ale.getMinimalActionSet()
    sequence = [minimal[i] for i in indices(77, 3000 // skip, len(minimal), 4)]
    position = 0

    def go(count):
        nonlocal position
        chunk = [sequence[(position + i) % len(sequence)] for i in range(count)]
        position += count
        step, over, reset = ale.act, ale.game_over, ale.reset_game
        begin = time.thread_time()
        for action in chunk:
            step(action)
            if over():
                reset()
        return time.thread_time() - begin

    return go


def gymnasium(game):
    import cv2
    import gymnasium as gym

    cv2.setNumThreads(1)
    gym.register_envs(ale_py)
    name = "ALE/" + "".join(part.capitalize() for part in game.split("_")) + "-v5"
    environment = gym.make(name, frameskip=1, repeat_action_probability=0.25)
    environment = gym.wrappers.AtariPreprocessing(environment, noop_max=0, frame_skip=4, screen_size=84, grayscale_obs=True)
    environment = gym.wrappers.FrameStackObservation(environment, 4)
    environment.reset(seed=1)
    sequence = indices(77, 750, environment.action_space.n, 1)
    position = 0

    def go(count):
        nonlocal position
        begin = time.process_time()
        for i in range(count):
            _, _, terminated, truncated, _ = environment.step(sequence[(position + i) % len(sequence)])
            if terminated or truncated:
                environment.reset()
        position += count
        return time.process_time() - begin

    return go


def vector(game, consoles):
    import numpy as np

    environment = ale_py.vector_env.AtariVectorEnv(game, num_envs=consoles, num_threads=1, noop_max=0, use_fire_reset=False, repeat_action_probability=0.25)
    environment.reset(seed=1)
    count = environment.single_action_space.n
    actions = np.stack([np.array(indices(seed, 750, count, 1), dtype=np.int64) for seed in range(consoles)], 1)
    position = 0

    def go(steps):
        nonlocal position
        begin = time.process_time()
        for i in range(steps // consoles):
            environment.step(actions[(position + i) % len(actions)])
        position += steps // consoles
        return time.process_time() - begin

    return go


run = None
for line in sys.stdin:
    command, *rest = line.split()
    try:
        if command == "go":
            print(run(int(rest[0])), flush=True)
        else:
            run = {"act": lambda: act(rest[0], int(rest[1])), "gymnasium": lambda: gymnasium(rest[0]), "vector": lambda: vector(rest[0], int(rest[1]))}[command]()
            print("ready", flush=True)
    except Exception as error:  # the caller reports it
        print("error", repr(error), flush=True)
