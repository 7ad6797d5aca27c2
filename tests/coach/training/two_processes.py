"""Run by two processes (torchrun, gloo): a training command that is resumed, then weights spread by FSDP."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from qevd_bio.cli.app import app
from torch.distributed.fsdp import fully_shard

from qevd_bio.learning.state import collect, is_sharded, restore, whole_weights
from tests.coach.training.conftest import small_task
from tests.coach.training.test_loop import OPTIONS


def spread_weights(out: Path) -> None:
    """A step, the state, another step; back to the state, and that step again: the same loss. Saves the first state."""
    task = small_task(OPTIONS)
    task.coach.model.train_only(("fusion", "xattn"))
    module = task.module
    for layer in task.coach.model.decoder.layers:
        fully_shard(layer)
    fully_shard(module)
    optimizer = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], 1e-2)

    def step() -> float:
        loss = module(task.collate([0, 1])) / 100
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return float(loss)

    assert is_sharded(module)
    step()
    state, weights = collect(module, optimizer), whole_weights(module)
    shared: list[dict[str, torch.Tensor] | None] = [state]
    dist.broadcast_object_list(shared, 0)
    assert shared[0] is not None
    after = step()
    restore(module, optimizer, shared[0], out)
    assert abs(step() - after) < 1e-6
    if dist.get_rank() == 0:
        task.save(out, {}, weights)
    else:
        assert not weights and not state
    dist.barrier()


def main() -> None:
    torch.set_num_threads(1)
    for args in json.loads(sys.argv[1]):
        app(args, standalone_mode=False)
    print(f"process {dist.get_rank()} of {dist.get_world_size()}", flush=True)
    spread_weights(Path(sys.argv[2]))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
