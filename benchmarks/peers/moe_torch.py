# MoE layers in PyTorch, as one would write them there for speed: the peer of benchmarks/moe.mjs. Talks in JSON lines:
# {"prepare": layer, "key", "compile", "sizes"} makes a layer ready, {"run": n, "key"} answers the milliseconds, and those of processor time, of n times
# forward and backward (gradients of all parameters and of the tokens).
import json
import os
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(int(os.environ["MOE_RL_THREADS"]))
torch.manual_seed(0)


def parameter(*shape):
    return (torch.randn(*shape) * 0.1).requires_grad_()


def experts(E, D, H):
    return [parameter(E, D, H), parameter(E, 1, H), parameter(E, H, D), parameter(E, 1, D)]


def apply_experts(slots, w1, b1, w2, b2):
    return torch.baddbmm(b2, F.relu(torch.baddbmm(b1, slots, w1)), w2)


def soft_moe(B, T, D, E, H, **_):
    P = -(-T // E)
    phi = parameter(D, E * P)
    weights = experts(E, D, H)

    def forward(x):
        logits = x @ phi
        dispatch = torch.softmax(logits, 1)
        combine = torch.softmax(logits, 2)
        slots = torch.bmm(dispatch.transpose(1, 2), x).view(B, E, P, D).transpose(0, 1).reshape(E, B * P, D)
        out = apply_experts(slots, *weights)
        return torch.bmm(combine, out.view(E, B, P, D).transpose(0, 1).reshape(B, E * P, D))

    return [phi, *weights], forward


def choose(x, gate, k, scores):
    logits = x @ gate
    if scores == "sigmoid":
        p = torch.sigmoid(logits)
        values, indices = torch.topk(p, k)
        return values / values.sum(-1, keepdim=True), indices
    values, indices = torch.topk(torch.softmax(logits, -1), k)
    return values, indices


def capacity(B, T, D, E, H, k=2, factor=1.0, scores="softmax", **_):
    """Slots of a fixed number per expert and sample; choices past it are dropped."""
    C = -(-T * k // E)
    gate = parameter(D, E)
    weights = experts(E, D, H)
    samples = torch.arange(B)[:, None]

    def forward(x):
        values, indices = choose(x, gate, k, scores)
        by_choice = indices.transpose(1, 2).reshape(B, k * T)
        mask = F.one_hot(by_choice, E)
        position = ((mask.cumsum(1) - 1) * mask).sum(2)
        kept = position < C
        slot = torch.where(kept, (by_choice * B + samples) * C + position, E * B * C).reshape(-1)
        repeated = x[:, None].expand(B, k, T, D).reshape(B * k * T, D)
        slots = x.new_zeros(E * B * C + 1, D).index_copy(0, slot, repeated)[:-1].view(E, B * C, D)
        out = apply_experts(slots, *weights).reshape(E * B * C, D)
        picked = F.pad(out, (0, 0, 0, 1))[slot].view(B, k, T, D)
        weight = (values.transpose(1, 2) * kept.view(B, k, T)).unsqueeze(-1)
        return (picked * weight).sum(1)

    return [gate, *weights], forward


def dropless(B, T, D, E, H, k=2, scores="softmax", **_):
    """Choices sorted by expert, one product per expert over just its tokens."""
    gate = parameter(D, E)
    w1, b1, w2, b2 = weights = experts(E, D, H)

    def forward(x):
        rows = x.reshape(B * T, D)
        values, indices = choose(rows, gate, k, scores)
        flat = indices.reshape(-1)
        order = torch.argsort(flat, stable=True)
        counts = torch.bincount(flat, minlength=E).tolist()
        token = order // k
        groups = rows[token].split(counts)
        # unbind: its gradient is one stack, where indexing would fill a whole array of zeros for every expert
        of_expert = zip(groups, w1.unbind(0), b1.unbind(0), w2.unbind(0), b2.unbind(0))
        outs = [torch.addmm(b, F.relu(torch.addmm(a, group, v)), w) for group, v, a, w, b in of_expert]
        weighted = torch.cat(outs) * values.reshape(-1)[order, None]
        return torch.zeros_like(rows).index_add(0, token, weighted).view(B, T, D)

    return [gate, *weights], forward


LAYERS = {"soft-moe": soft_moe, "capacity": capacity, "dropless": dropless}


def prepare(layer, sizes, compiled):
    parameters, forward = LAYERS[layer](**sizes)
    x = torch.relu(torch.randn(sizes["B"], sizes["T"], sizes["D"])).requires_grad_()
    loss_of = lambda x: forward(x).square().mean()
    if compiled:
        loss_of = torch.compile(loss_of)

    def step():
        for p in [x, *parameters]:
            p.grad = None
        loss = loss_of(x)
        loss.backward()
        return loss.item()

    step()
    return step


steps = {}
for line in sys.stdin:
    request = json.loads(line)
    try:
        if "prepare" in request:
            key = request["key"]
            steps[key] = prepare(request["prepare"], request["sizes"], request["compile"])
            answer = {"ready": key, "torch": torch.__version__, "threads": torch.get_num_threads()}
        else:
            step = steps[request["key"]]
            times, used = [], []
            for _ in range(request["run"]):
                start, cpu = time.perf_counter(), time.process_time()
                step()
                used.append((time.process_time() - cpu) * 1000)
                times.append((time.perf_counter() - start) * 1000)
            answer = {"times": times, "cpu": used}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
    print(json.dumps(answer), flush=True)
