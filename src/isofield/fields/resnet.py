"""The encoder of pictures: a ResNet-18 (He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR
2016, table 1), as Occupancy Networks condition on a picture (Mescheder et al. 2019), with a linear map to the code.

Group normalisation (Wu and He, "Group Normalization", ECCV 2018) takes the place of batch normalisation: the code of a
picture depends on no other picture of its batch, a batch may be a single picture, and there are no running means.
The features are means over the four quarters of a picture, in place of all of it: they keep where its parts lie.
"""

from __future__ import annotations

import math
from typing import Any, final

import torch
from torch import Tensor, nn

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and deviation of red, green and blue in ImageNet: inputs are shifted and scaled by them, as in Occupancy
Networks."""
GROUPS, IN_GROUP = 16, 8
"""Most groups of a normalisation, and the fewest channels of a group where there are as many."""
BLOCKS = 2
"""Residual blocks of a stage: ResNet-18."""
POOLED = 2
"""Cells along each side of a picture whose features the code is made of; 1 in ResNet-18."""
LEAST_DEVIATION = 0.02
"""Features are scaled up to this deviation of the untrained ones."""


@final
class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, (b, inputs, h, w) to (b, outputs, h / stride, w / stride)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), normalisation(outputs)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), normalisation(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), normalisation(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """The features after the block."""
        h = self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))
        return (h + self.shortcut(x)).relu()


def normalisation(channels: int) -> nn.GroupNorm:
    """Group normalisation of these channels, in groups of equal size."""
    return nn.GroupNorm(math.gcd(channels, max(channels // IN_GROUP, 1), GROUPS), channels)


@final
class ResNet(nn.Module):
    """Pictures (b, 3, h, w), sRGB, uint8 or from 0 to 1, to codes (b, length).

    width: channels of the first stage, 64 in ResNet-18; the four stages have 1, 2, 4 and 8 times as many. Pictures have
    at least 32 pixels along a side (five layers halve it): 64 to 128 for two CPU cores, 224 as published. generator:
    draws the first weights; seed 0 by default. Raises ValueError for a length or a width below 1.
    """

    mean: Tensor
    deviation: Tensor
    shift: Tensor
    scale: Tensor

    def __init__(self, length: int, width: int = 64, generator: torch.Generator | None = None) -> None:
        super().__init__()
        if length < 1 or width < 1:
            raise ValueError(f"a code of {length}, {width} channels: no encoder")
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        self.length, self.width = length, width
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)
        self.stem, self.norm = nn.Conv2d(3, width, 7, 2, 3, bias=False), normalisation(width)
        self.pool = nn.MaxPool2d(3, 2, 1)
        blocks: list[nn.Module] = []
        inputs = width
        for stage in range(4):
            for block in range(BLOCKS):
                outputs = width << stage
                blocks.append(Block(inputs, outputs, 2 if stage and not block else 1))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        inputs *= POOLED**2
        self.register_buffer("shift", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.last = nn.Linear(inputs, length)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
                nn.init.normal_(module.weight, 0, math.sqrt(2 / fan), generator)
        nn.init.normal_(self.last.weight, 0, math.sqrt(1 / inputs), generator)
        nn.init.zeros_(self.last.bias)

    def config(self) -> dict[str, Any]:
        """What `ResNet(**config)` needs to build the same network."""
        return {"length": self.length, "width": self.width}

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (b, 3, h, w) to codes (b, length)."""
        return self.last(self.features(pictures))

    @torch.no_grad()
    def standardize(self, pictures: Tensor, deviation: float = 1.0) -> None:
        """Shifts and scales the features so that those of these pictures (b, 3, h, w) have the mean 0 and the deviation
        1: untrained ones are almost alike. deviation: what the weights of the last map are multiplied by."""
        features = self.features(pictures)
        self.shift += features.mean(0) * self.scale
        self.scale *= features.std(0, unbiased=False).clamp(min=LEAST_DEVIATION)
        self.last.weight *= deviation

    def features(self, pictures: Tensor) -> Tensor:
        """Pictures (b, 3, h, w) to what the last linear map gets, (b, 32 width): means over quarters, standardized."""
        values = pictures if pictures.is_floating_point() else pictures.float() / 255
        x = (values - self.mean) / self.deviation
        x = self.blocks(self.pool(self.norm(self.stem(x)).relu()))
        x = nn.functional.adaptive_avg_pool2d(x, POOLED).flatten(1)
        return (x - self.shift) / self.scale
