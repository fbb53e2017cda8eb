# What ALE's saved states lack, shown by small programs of our own: `python state_gaps.py`, with ale-py. Each is played on from a place in two ways:
# as it is, and after more frames and a restore of the state that was cloned there. Ours hold all of it; ale_side.py works around it.
import os, tempfile

from ale_py import ALEInterface, LoggerMode

ALEInterface.setLoggerMode(LoggerMode.Error)
GRP0, ENAM0, ENABL, NUSIZ0, CTRLPF, PF1 = 0x1B, 0x1D, 0x1F, 0x04, 0x0A, 0x0E
RESP0, RESM0, RESBL, HMOVE = 0x10, 0x12, 0x14, 0x2A
VSYNC = [0xA9, 2, 0x85, 0, 0x85, 2, 0x85, 2, 0x85, 2, 0xA9, 0, 0x85, 0]
ANOTHER_BACKGROUND = [0xE6, 0x82, 0xE6, 0x82, 0xA5, 0x82, 0x85, 0x09]
LONG = [0xA2, 60, 0xA0, 0, 0x88, 0xD0, 0xFD, 0xCA, 0xD0, 0xF8]  # over 25,000 instructions, none of which writes to the TIA


def store(register, value):
    return [0xA9, value, 0x85, register]


def at(register, delay):
    """STA register, `delay` times 2 cycles into a line."""
    return [0x85, 2] + [0xEA] * delay + [0x85, register]


def program(setup, even, odd):
    """250 lines a frame, and below the picture `even` and `odd` in turn."""
    code = [0x78, 0xD8, 0xA2, 0xFF, 0x9A] + store(0x06, 0x1E) + store(0x08, 0x8A) + store(0x09, 2)
    for register, value in setup:
        code += store(register, value)
    top = len(code)
    again = [0x4C, top, 0xF0]
    code += VSYNC + [0xA2, 250, 0x85, 2, 0xCA, 0xD0, 0xFB, 0xE6, 0x81, 0xA5, 0x81, 0x4A, 0xB0, len(even) + 3] + even + again + odd + again
    return bytes(code + [0xEA] * (4092 - len(code)) + [0x00, 0xF0, 0x00, 0xF0])


PROGRAMS = {
    "nothing": program([(GRP0, 255)], ANOTHER_BACKGROUND, ANOTHER_BACKGROUND),
    "where player 0 is drawn": program([(GRP0, 255)], at(RESP0, 14) + at(HMOVE, 1), at(RESP0, 24) + at(HMOVE, 1)),
    "copies of player 0": program([(GRP0, 255)], store(NUSIZ0, 0), store(NUSIZ0, 1)),
    "where missile 0 is drawn": program([(ENAM0, 2)], at(RESM0, 14), at(RESM0, 24)),
    "how wide missile 0 is": program([(ENAM0, 2)], store(NUSIZ0, 0x10), store(NUSIZ0, 0x30)),
    "where the ball is drawn": program([(ENABL, 2)], at(RESBL, 14), at(RESBL, 24)),
    "how wide the ball is": program([(ENABL, 2)], store(CTRLPF, 0x10), store(CTRLPF, 0x30)),
    "whether the playfield is reflected": program([(PF1, 0xF0)], store(CTRLPF, 0), store(CTRLPF, 1)),
    "whether the frame had ended": program([], ANOTHER_BACKGROUND, ANOTHER_BACKGROUND + LONG),
}


def plays_on(ale):
    ale.act(0)
    return ale.getScreen().tobytes()


def in_a_fork(function):
    answers, give = os.pipe()
    if os.fork() == 0:
        with os.fdopen(give, "wb") as pipe:
            pipe.write(function())
        os._exit(0)
    os.close(give)
    with os.fdopen(answers, "rb") as pipe:
        return pipe.read()


def differing_rows(rom):
    """After one frame from the state, at the place of the program where most differ."""
    most = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "enduro.bin")
        with open(path, "wb") as file:
            file.write(rom)
        ale = ALEInterface()
        ale.setFloat("repeat_action_probability", 0.0)
        ale.loadROM(path)
    for _ in range(4):
        ale.act(0)
        state = ale.cloneState(include_rng=True)

        def restored():
            ale.act(0)
            ale.restoreState(state)
            return plays_on(ale)

        as_it_is, other = in_a_fork(lambda: plays_on(ale)), in_a_fork(restored)
        most = max(most, sum(as_it_is[i : i + 160] != other[i : i + 160] for i in range(0, len(other), 160)))
    return most


for what, rom in PROGRAMS.items():
    print(f"{what}: {differing_rows(rom)} rows of the next picture differ")
