"""Learning rates over a descent: those of DeepSDF's released code (Park et al. 2019), and a cosine."""

from __future__ import annotations

import math

from isofield.configs import Schedule


def rate(schedule: Schedule, step: int, steps: int, epoch: int | None = None) -> float:
    """The learning rate of `step` (from 0) of `steps`, in `epoch` (from 1; None: a step is an epoch)."""
    epoch = step + 1 if epoch is None else epoch
    match schedule.kind:
        case "step":
            return float(schedule.initial * schedule.factor ** (epoch // schedule.every))
        case "warmup":
            done = min(epoch / schedule.every, 1.0)
            return schedule.initial + (schedule.final - schedule.initial) * done
        case "cosine":
            done = (step + 1) / steps
            if done < schedule.warm_up:
                return schedule.initial * done / schedule.warm_up
            fall = (done - schedule.warm_up) / (1 - schedule.warm_up)
            return schedule.final + (schedule.initial - schedule.final) * 0.5 * (1 + math.cos(math.pi * fall))
    return schedule.initial


def falling(initial: float, steps: int) -> list[float]:
    """The rates of all steps of a cosine from `initial` that would reach 0 at the step after the last."""
    return [rate(Schedule(initial, "cosine"), step - 1, steps) for step in range(steps)]
