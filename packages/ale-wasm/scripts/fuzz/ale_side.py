# ALE's side of the differential fuzz: one line of JSON in (a case), one line of JSON out (what every operation left behind). The argument is a folder of
# the caller's for ROMs; when the caller goes, it is removed.
# Operations: [0, action, strength] act; [1] reset; [2, mode]; [3, difficulty]; [4, with_random] clone; [5] restore the last clone; [6, index, value] poke.
#
# ALE's saved states lack what state_gaps.py shows: a console that restores one keeps the object masks that it draws with, and whether its frame had
# ended. So a state is restored where nothing of that has changed: cloning forks the process, the child goes on, and the parent waits to restore.
import base64, json, os, pickle, shutil, signal, sys, zlib

from ale_py import ALEInterface, ALEState, LoggerMode

ACT, RESET, MODE, DIFFICULTY, CLONE, RESTORE, POKE = range(7)
ALEInterface.setLoggerMode(LoggerMode.Error)
folder = sys.argv[1]


def load(case):
    path = os.path.join(folder, case["game"] + ".bin")
    with open(path, "wb") as file:
        file.write(base64.b64decode(case["rom"]))
    ale = ALEInterface()
    ale.setInt("random_seed", case["seed"])
    ale.setInt("frame_skip", case["frameSkip"])
    ale.setFloat("repeat_action_probability", case["repeat"])
    ale.setInt("max_num_frames_per_episode", case["maxFrames"])
    ale.setBool("color_averaging", case["averaged"])
    ale.loadROM(path)
    return ale


def wait_at_clone(ale, saved, rows):
    """Returns in a child, once now and once for every restore: whether it is one, the rows so far, and the pipe that asks for the next."""
    restore = None
    while True:
        requests, ask = os.pipe()
        if os.fork() == 0:
            os.close(requests)
            if restore:
                with_random, rows = restore
                # The environment's random stream goes on, unless the clone has it.
                ale.restoreState(ALEState(with_random))
                ale.restoreState(saved)
            return restore is not None, rows, ask
        os.close(ask)
        with os.fdopen(requests, "rb") as pipe:
            request = pipe.read()
        if not request:
            os._exit(0)
        restore = pickle.loads(request)


def play(case):
    ale = load(case)
    operations, dump = case["operations"], case.get("dump", -1)
    rows, ask, is_restored = [], None, False

    def row(reward):
        ram, screen = ale.getRAM().tobytes(), ale.getScreen().tobytes()
        # No state holds pixels: what a restored frame does not draw is not compared.
        seen = 0 if is_restored else zlib.crc32(screen)
        values = [reward, ale.lives(), int(ale.game_over()), ale.getEpisodeFrameNumber(), zlib.crc32(ram), seen]
        if len(rows) == dump:
            values += [ram.hex(), base64.b64encode(screen).decode()]
        rows.append(values)

    row(0)
    while len(rows) <= len(operations):
        operation, reward = operations[len(rows) - 1], 0
        kind = operation[0]
        if kind == ACT:
            reward = ale.act(operation[1], operation[2])
        elif kind == RESET:
            ale.reset_game()
            is_restored = False
        elif kind == MODE:
            ale.setMode(operation[1])
        elif kind == DIFFICULTY:
            ale.setDifficulty(operation[1])
        elif kind == CLONE:
            saved = ale.cloneState(include_rng=bool(operation[1]))
            ale.restoreState(saved)
            row(0)
            comes_back, rows, ask = wait_at_clone(ale, saved, rows)
            if not comes_back:
                continue
            is_restored = True
        elif kind == RESTORE:
            request = pickle.dumps((ale.cloneState(include_rng=True).serialize(), rows))
            with os.fdopen(ask, "wb") as pipe:
                pipe.write(request)
            os._exit(0)
        elif kind == POKE:
            ale.setRAM(operation[1], operation[2])
        row(reward)
    return {"rows": rows, "height": ale.getScreenDims()[0]}


def answer(line):
    try:
        return play(json.loads(line))
    except Exception as error:  # ALE refuses, for instance, a ROM of an unknown size
        return {"error": f"{type(error).__name__}: {error}"}


def forked(line):
    """The answer of a process of its own, and of those that it forks."""
    answers, give = os.pipe()
    if os.fork() == 0:
        os.close(answers)
        text = json.dumps(answer(line))
        with os.fdopen(give, "w") as pipe:
            pipe.write(text)
        os._exit(0)
    os.close(give)
    with os.fdopen(answers) as pipe:
        text = pipe.read()
    if not text:
        sys.exit("it crashed")
    return text


signal.signal(signal.SIGCHLD, signal.SIG_IGN)
try:
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(forked(line), flush=True)
finally:
    shutil.rmtree(folder, ignore_errors=True)
