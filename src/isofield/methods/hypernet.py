"""A hypernetwork with a set encoder: the baseline of Sitzmann, Chan, Tucker, Snavely and Wetzstein, "MetaSDF:
Meta-learning Signed Distance Functions", NeurIPS 2020, section 4; Ha, Dai and Le, "HyperNetworks", ICLR 2017; with the
set encoder of Sitzmann et al. 2020, "SIREN", section 4.4.

The code of a shape is all the weights theta of its network. A set encoder sees samples x_j of the shape with their
values s_j, and a network H_k for each matrix and each bias of the network of a shape gives it:

    z = W mean_j e(x_j, s_j),    theta_k = H_k(z),    f(x; theta).

What differs from the released code, an auto-decoder: the set encoder gives the latents, so that an unseen shape needs
no descent. Options of our own: a latent of 0 gives the distance to a sphere (`start`), and weights have a prior.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from isofield.configs import Hypernet
from isofield.fields.hypernetwork import Hypernetwork
from isofield.fields.set_encoder import SetEncoder
from isofield.fields.weight_network import WeightNetwork
from isofield.methods.conditioned import ConditionedSpace, Sizes


def networks(config: Hypernet, sizes: Sizes, generator: torch.Generator) -> tuple[nn.Module, nn.Module]:
    """The network of a shape, whose weights are the code, and what gives them."""
    net, encoder = config.network, config.encoder
    network = WeightNetwork(sizes.inputs, net.dims, sizes.outputs, net.activation, net.frequencies, net.w0)
    latent = SetEncoder(sizes.inputs + sizes.values, config.length, encoder.dims, encoder.pool, generator)
    first = network.first_weights(net.radius, generator) if config.start else None
    return network, Hypernetwork(latent, config.length, network.sizes, config.dims, config.scale, first, generator)


method = partial(ConditionedSpace, networks)
