"""Learning rates over a training, as in DeepSDF's released code (Park et al. 2019), and a cosine."""

from __future__ import annotations

import math

from isofield.configs import RateConfig


def rate(config: RateConfig, step: int, steps: int, epoch: int) -> float:
    """The learning rate of `step` (from 0) of `steps`, in `epoch` (from 1, as the released code counts)."""
    match config.kind:
        case "step":
            return float(config.initial * config.factor ** (epoch // config.length))
        case "warmup":
            done = min(epoch / config.length, 1.0)
            return config.initial + (config.final - config.initial) * done
        case "cosine":
            done = (step + 1) / steps
            if done < config.rise:
                return config.initial * done / config.rise
            fall = (done - config.rise) / (1 - config.rise)
            return config.final + (config.initial - config.final) * 0.5 * (1 + math.cos(math.pi * fall))
    return config.initial
