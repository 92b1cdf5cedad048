"""A concatenation auto-decoder: Park, Florence, Straub, Newcombe and Lovegrove, "DeepSDF", CVPR 2019, as it is the
baseline of Sitzmann, Chan, Tucker, Snavely and Wetzstein, "MetaSDF: Meta-learning Signed Distance Functions", NeurIPS
2020, section 4.

A table has a code z_i for each training shape, and a decoder gets the code beside the point; codes and decoder are
learned together, and the code of an unseen shape is found by descent from 0 with the decoder fixed:

    f(x; z) = d(x, z),    z = argmin_z  L(f(.; z); context) + prior * mean z^2.

What differs from DeepSDF (`methods.deepsdf`): no clamp, no weight norm, no dropout, no tanh; it learns in the plane and
from colours, too. As published, codes have no prior; a small one is an option.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from isofield.configs import Concat
from isofield.methods.conditioned import ConditionedSpace, Sizes, decoder_of


def networks(config: Concat, sizes: Sizes, generator: torch.Generator) -> tuple[nn.Module, None]:
    """The decoder alone. Raises ValueError for layers that do not fit together."""
    return decoder_of(config, sizes.inputs, sizes.outputs, config.frequencies, generator), None


method = partial(ConditionedSpace, networks)
