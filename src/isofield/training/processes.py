"""Several processes that train one model (torchrun): each computes the gradients of some shards, and all add them up in
the same order, so that they learn what one process learns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch import distributed as dist

from isofield.adapt.descent import summed
from isofield.errors import InputError
from isofield.threads import SHARDS


@dataclass(frozen=True)
class Processes:
    """This process among all: its rank, and how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def shards(self) -> range:
        """The shards of this process."""
        return range(self.rank, SHARDS, self.size)

    def summed(self, own: Sequence[Tensor]) -> Tensor:
        """The sum over all shards of a vector each, in the order of the shards; own: those of this process."""
        vectors = list(own)
        if self.size > 1:
            mine = torch.stack(vectors)
            every = [torch.empty_like(mine) for _ in range(self.size)]
            dist.all_gather(every, mine)
            vectors = [every[shard % self.size][shard // self.size] for shard in range(SHARDS)]
        return summed(vectors)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def joined_processes() -> Iterator[Processes]:
    """The processes that torchrun started, or this one alone; they communicate by gloo, GPUs by NCCL, one GPU each.

    Raises InputError for a number of processes that does not divide the shards.
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
        dist.barrier()  # a process that leaves early would take down one that still communicates
    finally:
        dist.destroy_process_group()
