"""Conditional neural processes: Garnelo, Rosenbaum, Maddison, Ramalho, Saxton, Shanahan, Teh, Rezende and Eslami,
"Conditional Neural Processes", ICML 2018, eq. 2 to 4.

A set encoder sees samples x_j of a shape with their values s_j, and a decoder the code z beside the point:

    z = W mean_j e(x_j, s_j),    f(x; z) = d(x, z).

With `local` the code has a grid of features g, too (Gordon, Bruinsma, Foong, Requeima, Dubois and Turner,
"Convolutional Conditional Neural Processes", ICLR 2020; in space three planes, as of Peng, Niemeyer, Mescheder,
Pollefeys and Geiger, "Convolutional Occupancy Networks", ECCV 2020): the means over the samples in each cell, after
convolutions, interpolated at the point,

    f(x; z, g) = d(x, g(x), z).

What differs from the paper: the decoder gives values alone, no deviations; means go to the nearest cell, where the
convolutional process has a kernel.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from isofield.configs import Cnp
from isofield.fields.feature_planes import PlaneDecoder, PlaneEncoder
from isofield.fields.set_encoder import SetEncoder
from isofield.methods.conditioned import ConditionedSpace, Sizes, decoder_of


def networks(config: Cnp, sizes: Sizes, generator: torch.Generator) -> tuple[nn.Module, nn.Module]:
    """The decoder and the set encoder. Raises ValueError for layers that do not fit together."""
    encoder, inputs = config.encoder, sizes.inputs
    whole = SetEncoder(inputs + sizes.values, config.length, encoder.dims, encoder.pool, generator)
    if not config.local:
        return decoder_of(config, inputs, sizes.outputs, config.frequencies, generator), whole
    planes = PlaneEncoder(whole, inputs, config.cells, config.channels, encoder.dims[0], generator)
    beside = inputs * (1 + 2 * config.frequencies) + config.channels
    decoder = decoder_of(config, beside, sizes.outputs, 0, generator)
    return PlaneDecoder(decoder, inputs, config.cells, config.frequencies), planes


method = partial(ConditionedSpace, networks)
