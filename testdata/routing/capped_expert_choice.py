"""Optima of expert choice with at most `cap` experts a token, by scipy's linear programs (HiGHS): `python capped_expert_choice.py COUNT`.

Every expert takes exactly C tokens, a token is taken at most `cap` times, the sum of scores is largest. The constraints are a transport
polytope, whose corners are integral, so that the linear program's optimum is the optimum over choices. Writes JSON to standard output.
"""

import json
import sys

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import eye, kron


def optimum(scores, capacity, cap):
    experts, tokens = scores.shape
    result = linprog(
        -scores.ravel(),
        A_ub=kron(np.ones((1, experts)), eye(tokens)).tocsr(),
        b_ub=np.full(tokens, cap),
        A_eq=kron(eye(experts), np.ones((1, tokens))).tocsr(),
        b_eq=np.full(experts, capacity),
        bounds=(0, 1),
        method="highs",
    )
    assert result.status == 0, result.message
    return -result.fun


def draw(rng):
    """Any sizes that have a choice at all; two in five with every place that the cap leaves taken."""
    experts, tokens = int(rng.integers(1, 9)), int(rng.integers(1, 17))
    cap = int(rng.integers(1, experts + 1))
    most = min(tokens, tokens * cap // experts)
    if most < 1:
        return draw(rng)
    capacity = most if rng.random() < 0.4 else int(rng.integers(1, most + 1))
    logits = rng.normal(size=(tokens, experts)) * 3
    kind = ["normal", "softmax", "ties", "negative"][int(rng.integers(4))]
    if kind == "softmax":
        powers = np.exp(logits - logits.max(1, keepdims=True))
        logits = powers / powers.sum(1, keepdims=True)
    elif kind == "ties":
        logits = np.round(logits)
    elif kind == "negative":
        logits = -np.abs(logits)
    scores = np.round(logits.T, 3)
    return {
        "kind": kind,
        "numExperts": experts,
        "numTokens": tokens,
        "capacity": capacity,
        "cap": cap,
        "optimum": round(optimum(scores, capacity, cap), 9),
        "scores": scores.ravel().tolist(),
    }


rng = np.random.default_rng(7)
print("[\n" + ",\n".join(json.dumps(draw(rng)) for _ in range(int(sys.argv[1]))) + "\n]")
