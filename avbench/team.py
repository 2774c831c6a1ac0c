"""Processes that train together."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True, slots=True)
class Team:
    """The processes that train together: `torchrun` starts `size` of them, and this one is `rank`."""

    rank: int = 0
    size: int = 1

    @classmethod
    def join(cls, device: str) -> Team:
        """Meets the others, over NCCL on GPUs and gloo on CPUs; a process that torchrun did not start is alone."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size > 1 and not torch.distributed.is_initialized():
            torch.distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
            # a process that ends with its threads of the group still running can abort, and torchrun kills the others
            atexit.register(torch.distributed.destroy_process_group)
        return cls(int(os.environ.get("RANK", "0")), size) if size > 1 else cls()

    @staticmethod
    def device(device: str) -> str:
        """The device of this process: torchrun's local rank where `cuda` names no number."""
        return f"cuda:{os.environ['LOCAL_RANK']}" if device == "cuda" and "LOCAL_RANK" in os.environ else device

    @property
    def leads(self) -> bool:
        """Does this process write the files?"""
        return self.rank == 0

    def wait(self) -> None:
        if self.size > 1:
            torch.distributed.barrier()

    def any(self, said: bool, device: str) -> bool:
        """Has any of them said so?"""
        if self.size == 1:
            return said
        flag = torch.tensor(float(said), device=device)
        torch.distributed.all_reduce(flag, torch.distributed.ReduceOp.MAX)
        return bool(flag)

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Makes every process's gradients their mean. All must have gradients of the same parameters."""
        if self.size > 1:
            there = [p.grad for p in parameters if p.grad is not None]
            flat = torch.cat([grad.flatten() for grad in there])
            torch.distributed.all_reduce(flat)
            for grad, mean in zip(there, (flat / self.size).split([grad.numel() for grad in there]), strict=True):
                grad.copy_(mean.view_as(grad))
