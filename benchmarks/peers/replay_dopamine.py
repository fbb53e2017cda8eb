"""Dopamine's replay (dopamine.jax.replay_memory, PyPI dopamine-rl) on real frames: what replay.mjs compares with.

  python replay_dopamine.py frames OUT COUNT            plays Breakout at random in ALE; writes OUT (COUNT frames of 84x84 bytes) and OUT.steps
                                                        (3 bytes a step: action, sign of the reward + 1, 1 where the episode ended)
  python replay_dopamine.py measure FRAMES CAPACITY     fills ReplayBuffers of that capacity with the frames, over and over; prints a JSON line of
                                                        microseconds per add, per uniform and per prioritized sample of 32

Frame stacks of 4, n = 1, snappy compression on: the defaults of the agents. Medians of blocks.
"""

import json
import statistics
import sys
import time

import numpy as np


def write_frames(out, count):
    import ale_py
    import cv2

    ale = ale_py.ALEInterface()
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    ale.setInt("random_seed", 1)
    ale.setFloat("repeat_action_probability", 0.25)
    ale.loadROM(ale_py.roms.get_rom_path("breakout"))
    actions = ale.getMinimalActionSet()
    rng = np.random.default_rng(1)
    screens = [np.zeros((210, 160), np.uint8) for _ in range(2)]
    ale.getScreenGrayscale(screens[0])
    with open(out + ".part", "wb") as frames, open(out + ".steps", "wb") as steps:
        for _ in range(count):
            frames.write(cv2.resize(np.maximum(*screens), (84, 84), interpolation=cv2.INTER_AREA).tobytes())
            action, reward = int(rng.integers(len(actions))), 0.0
            for skip in range(4):
                reward += ale.act(actions[action])
                if skip >= 2:
                    ale.getScreenGrayscale(screens[skip - 2])
                if ale.game_over():
                    break
            over = ale.game_over()
            steps.write(bytes([action, int(np.sign(reward)) + 1, int(over)]))
            if over:
                ale.reset_game()
                ale.getScreenGrayscale(screens[0])
                screens[1][:] = 0
    import os

    os.replace(out + ".part", out)


def blocks(function, count, size):
    """Median over `count` blocks of the microseconds per call, `size` calls a block."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        for _ in range(size):
            function()
        times.append((time.perf_counter() - start) / size * 1e6)
    return statistics.median(times)


def measure(path, capacity):
    from dopamine.jax.replay_memory import accumulator, elements, replay_buffer, samplers

    frames = np.memmap(path, np.uint8, "r").reshape(-1, 84, 84)
    steps = np.fromfile(path + ".steps", np.uint8).reshape(-1, 3)
    prioritized = samplers.PrioritizedSamplingDistribution(seed=1, max_capacity=capacity)
    replay = replay_buffer.ReplayBuffer(
        accumulator.TransitionAccumulator(stack_size=4, update_horizon=1, gamma=0.99),
        prioritized,
        batch_size=32,
        max_capacity=capacity,
    )
    position = 0

    def add(**kwargs):
        nonlocal position
        action, reward, over = steps[position]
        replay.add(
            elements.TransitionElement(frames[position], int(action), float(reward) - 1, bool(over), bool(over)), **kwargs
        )
        position = (position + 1) % len(frames)

    while replay.add_count < capacity + 100:
        add(priority=1.0)
    result = {"prioritized": blocks(lambda: replay.sample(32), 20, 100)}
    # The same memory under the uniform distribution.
    uniform = samplers.UniformSamplingDistribution(seed=1)
    for key in replay._memory:
        uniform.add(key)
    replay._sampling_distribution = uniform
    result["uniform"] = blocks(lambda: replay.sample(32), 20, 100)
    result["add"] = blocks(add, 20, 500)
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "frames":
        write_frames(sys.argv[2], int(sys.argv[3]))
    else:
        measure(sys.argv[2], int(sys.argv[3]))
