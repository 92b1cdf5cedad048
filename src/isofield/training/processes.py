"""Several processes that learn one model (torchrun): each owns some shards with their codes, and all add up the same
gradients in the same order, so that they learn what one process learns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from isofield.errors import InputError
from isofield.threads import SHARDS


@dataclass(frozen=True)
class Processes:
    """This process among all: its rank, and how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def shards(self) -> range:
        """The shards that this process owns."""
        return range(self.rank, SHARDS, self.size)

    def summed(self, own: Mapping[int, Tensor]) -> Tensor:
        """The sum over all shards of a vector each, in the order of the shards. own: of this process's shards."""
        known = dict(own)
        if self.size > 1:
            mine = torch.stack([own[shard] for shard in self.shards])
            every = [torch.empty_like(mine) for _ in range(self.size)]
            dist.all_gather(every, mine)
            known = {shard: every[shard % self.size][shard // self.size] for shard in range(SHARDS)}
        total = known[0].clone()
        for shard in range(1, SHARDS):
            total += known[shard]
        return total

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            dist.barrier()

    def gathered(self, own: Mapping[int, Any]) -> dict[int, Any]:
        """By shard, what belongs to it; of all processes in the first, of this one in the others."""
        if self.size == 1:
            return dict(own)
        every: list[Any] | None = [None] * self.size if self.rank == 0 else None
        dist.gather_object(dict(own), every)
        return {shard: value for part in every or [dict(own)] for shard, value in part.items()}


@contextmanager
def joined_processes() -> Iterator[Processes]:
    """The processes that torchrun started, or this one alone; they talk by gloo, of GPUs by NCCL, one GPU a process.

    Raises InputError for a number of processes that the shards cannot be dealt out to.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Processes()
        return
    if SHARDS % size:
        raise InputError(f"{size} processes cannot share {SHARDS} parts of a batch: start 1, 2 or {SHARDS}.")
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Processes(dist.get_rank(), size)
        dist.barrier()  # one that leaves while another still talks takes that down with it
    finally:
        dist.destroy_process_group()
