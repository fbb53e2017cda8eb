"""JAX's side of gpu.mjs: the same DQN steps jit-compiled on the same device, asked in lines of JSON on standard input (see lib/gpu/line-process.mjs).

Networks as in step_common.py, and top1: the IMPALA torso, 121 tokens of 32, softmax router, each token to its best of 8 experts, buffers of 16 slots filled in
token order, experts of 512. `learn`: a batch of bytes from the host, both networks forward, Huber loss, gradients, Adam, the loss read back: what our side does.
`resident`: the same with the batch on the device. `act`: one observation from the host, the values' argmax read back.
"""

import json
import os
import sys
import time

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.argv = sys.argv[:1]
import numpy as np
import jax, jax.numpy as jnp
from jax import lax
from step_common import init, timed

EXPERTS, SLOTS = 8, 16
RATE, BETA1, BETA2, EPSILON = 6.25e-5, 0.9, 0.999, 1.5e-4
state = {}


def shapes_of(kind):
    if kind != "top1":
        return init(kind)
    # The torso and the last layer of `moe`, with a router in place of phi.
    parameters = init("moe")
    router = np.random.default_rng(7).standard_normal((32, EXPERTS)).astype(np.float32) * 0.2
    return [*parameters[:-7], router, *parameters[-6:]]


def forward(kind, parameters, x):
    it = iter(parameters)
    n = x.shape[0]
    relu = jax.nn.relu
    x = x.astype(jnp.float32) / 255
    conv = lambda x, s: lax.conv_general_dilated(
        x, next(it), (s, s), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    ) + next(it)
    dense = lambda x: x @ next(it) + next(it)
    if kind == "nature":
        x = relu(conv(x, 4))
        x = relu(conv(x, 2))
        x = relu(conv(x, 1))
        return dense(relu(dense(x.reshape(n, -1))))
    for _ in range(3):
        x = conv(x, 1)
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
        for _ in range(2):
            y = conv(relu(x), 1)
            y = conv(relu(y), 1)
            x = x + y
    x = relu(x)
    if kind == "impala":
        return dense(relu(dense(x.reshape(n, -1))))
    tokens = x.reshape(n, 121, 32)
    router, w1, b1, w2, b2 = [next(it) for _ in range(5)]
    logits = tokens @ router
    if kind == "moe":
        dispatch = jax.nn.softmax(logits, 1).reshape(n, 121, EXPERTS, SLOTS)
        combine = jax.nn.softmax(logits, 2).reshape(n, 121, EXPERTS, SLOTS)
    else:
        probabilities = jax.nn.softmax(logits, -1)
        chosen = jax.nn.one_hot(probabilities.argmax(-1), EXPERTS)
        position = ((jnp.cumsum(chosen, 1) - chosen) * chosen).sum(-1)
        # A position past the last slot is no column: the token is dropped.
        dispatch = chosen[..., None] * jax.nn.one_hot(position.astype(jnp.int32), SLOTS)[:, :, None, :]
        combine = dispatch * probabilities.max(-1)[..., None, None]
    slots = jnp.einsum("ntes,ntd->ensd", dispatch, tokens).reshape(EXPERTS, n * SLOTS, 32)
    slots = relu(slots @ w1 + b1) @ w2 + b2
    out = jnp.einsum("ntes,ensd->ntd", combine, slots.reshape(EXPERTS, n, SLOTS, 32))
    return dense(out.reshape(n, -1))


def make_step(kind):
    def loss(p, t, s, s2, a, r, d):
        target = r + 0.99 * (1 - d) * forward(kind, t, s2).max(1)
        q = jnp.take_along_axis(forward(kind, p, s), a[:, None], 1)[:, 0]
        e = jnp.abs(lax.stop_gradient(target) - q)
        near = jnp.minimum(e, 1.0)
        return (0.5 * near * near + e - near).mean()

    def step(p, m, v, k, t, *batch):
        value, g = jax.value_and_grad(loss)(p, t, *batch)
        k = k + 1
        m = [BETA1 * a + (1 - BETA1) * b for a, b in zip(m, g)]
        v = [BETA2 * a + (1 - BETA2) * b * b for a, b in zip(v, g)]
        hat = lambda a, beta: a / (1 - beta**k)
        p = [a - RATE * hat(b, BETA1) / (jnp.sqrt(hat(c, BETA2)) + EPSILON) for a, b, c in zip(p, m, v)]
        return p, m, v, k, value

    return jax.jit(step, donate_argnums=(0, 1, 2, 3))


def describe(_):
    device = jax.devices()[0]
    from importlib.metadata import distributions

    names = sorted(f"{d.metadata['Name']}=={d.version}" for d in distributions() if "jax" in (d.metadata["Name"] or ""))
    return {"device": device.device_kind, "platform": device.platform, "versions": names}


def prepare(request):
    kind, batch = request["kind"], request["batch"]
    started = time.perf_counter()
    generator = np.random.default_rng(1)
    frames = lambda n: generator.integers(0, 256, (n, 84, 84, 4), dtype=np.uint8)
    host = (
        frames(batch),
        frames(batch),
        generator.integers(0, 18, batch).astype(np.int32),
        generator.random(batch, dtype=np.float32),
        np.zeros(batch, np.float32),
    )
    numbers = shapes_of(kind)
    p = [jnp.array(v) for v in numbers]
    t = [jnp.array(v) for v in numbers]
    state.update(
        p=p,
        m=[jnp.zeros_like(v) for v in p],
        v=[jnp.zeros_like(v) for v in p],
        k=jnp.float32(0),
        t=t,
        host=host,
        there=[jax.device_put(v) for v in host],
        step=make_step(kind),
        actor=jax.jit(lambda p, x: forward(kind, p, x).argmax(1)),
        observation=frames(1),
    )
    step(state["host"])
    state["actor"](state["p"], state["observation"]).block_until_ready()
    return {"prepareSeconds": round(time.perf_counter() - started, 2), "measures": ["learn", "resident", "act"]}


def step(batch):
    s = state
    s["p"], s["m"], s["v"], s["k"], value = s["step"](s["p"], s["m"], s["v"], s["k"], s["t"], *batch)
    return float(value)


def release(_):
    state.clear()
    jax.clear_caches()
    return {}


def floor(request):
    """Median times: an empty program's round trip, a product of two n x n matrices, bytes to the device, a pass over device memory."""
    n, megabytes = request["matrix"], request["megabytes"]
    add = jax.jit(lambda x: x + 1)
    one = jnp.float32(1)
    median = lambda times: float(np.median(times))
    trips = timed(lambda: float(add(one)), 200)[20:]
    a, b = [jnp.array(np.random.default_rng(i).random((n, n), dtype=np.float32)) for i in (1, 2)]
    out = {"roundTripMilliseconds": median(trips)}
    repeats = 10

    def chain(function, argument):
        def run():
            for _ in range(repeats):
                result = function(*argument)
            result.block_until_ready()

        run()
        return median(timed(run, 5)) / repeats

    for name, precision in (("default", None), ("highest", "highest")):
        product = jax.jit(lambda a, b, p=precision: jnp.matmul(a, b, precision=p))
        out[f"{name}TeraFlops"] = 2 * n**3 / chain(product, (a, b)) / 1e9
    content = np.zeros(megabytes * 10**6, np.uint8)
    out["toDeviceGigabytesPerSecond"] = megabytes / median(timed(lambda: jax.device_put(content).block_until_ready(), 6))
    big = jnp.zeros(megabytes * 10**6 // 4, jnp.float32)
    out["memoryGigabytesPerSecond"] = 2 * megabytes / chain(add, (big,))
    return out


answers = {
    "describe": describe,
    "prepare": prepare,
    "learn": lambda r: {"times": timed(lambda: step(state["host"]), r["calls"])},
    "resident": lambda r: {"times": timed(lambda: step(state["there"]), r["calls"])},
    "act": lambda r: {"times": timed(lambda: int(state["actor"](state["p"], state["observation"])[0]), r["calls"])},
    "release": release,
    "floor": floor,
}
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = answers[request["do"]](request)
    except Exception as error:
        text = str(error) or type(error).__name__
        answer = {"error": text[:1000], "isOutOfMemory": "RESOURCE_EXHAUSTED" in text or isinstance(error, MemoryError)}
    print(json.dumps(answer), flush=True)
