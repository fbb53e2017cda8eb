# ALE's side of the differential fuzz: one line of JSON in (a case), one line of JSON out (what every operation left behind).
# Operations: [0, action, strength] act; [1] reset; [2, mode]; [3, difficulty]; [4, with_random] clone; [5] restore the last clone; [6, index, value] poke.
import base64, json, os, sys, tempfile, zlib

from ale_py import ALEInterface, LoggerMode

ALEInterface.setLoggerMode(LoggerMode.Error)
folder = tempfile.mkdtemp(prefix="fuzz-ale-")


def play(case):
    path = case.get("path")
    if path is None:
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
    operations, rows, saved = case["operations"], [], None
    dump = case.get("dump", -1)

    def row(reward):
        ram, screen = ale.getRAM().tobytes(), ale.getScreen().tobytes()
        values = [reward, ale.lives(), int(ale.game_over()), ale.getEpisodeFrameNumber(), zlib.crc32(ram), zlib.crc32(screen)]
        if len(rows) == dump:
            values += [ram.hex(), base64.b64encode(screen).decode()]
        rows.append(values)

    row(0)
    for operation in operations:
        kind, reward = operation[0], 0
        if kind == 0:
            reward = ale.act(operation[1], operation[2])
        elif kind == 1:
            ale.reset_game()
        elif kind == 2:
            ale.setMode(operation[1])
        elif kind == 3:
            ale.setDifficulty(operation[1])
        elif kind == 4:
            saved = ale.cloneState(include_rng=bool(operation[1]))
        elif kind == 5:
            ale.restoreState(saved)
        elif kind == 6:
            ale.setRAM(operation[1], operation[2])
        row(reward)
    height = ale.getScreenDims()[0]
    return {"rows": rows, "height": height}


print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    try:
        answer = play(json.loads(line))
    except Exception as error:  # ALE refuses, for instance, a ROM of an unknown size
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
