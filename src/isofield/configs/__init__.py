"""Settings of every method and of `prepare`: frozen dataclasses without torch; the command line is made from them."""

from __future__ import annotations

from isofield.configs.cnp import Cnp
from isofield.configs.common import MethodSpec, Network, Optim, Schedule, WarmStart
from isofield.configs.concat import Concat
from isofield.configs.conditioned import Objective, Tasks
from isofield.configs.deepsdf import DeepSdf
from isofield.configs.hypernet import Hypernet
from isofield.configs.igr import Igr
from isofield.configs.image_codes import ImageCodes
from isofield.configs.linear import Linear
from isofield.configs.metasdf import FieldNetwork, MetaLinear, MetaSdf, StepSizes
from isofield.configs.neural_pull import NeuralPull
from isofield.configs.neural_pull_image import NeuralPullImage, PictureEncoder
from isofield.configs.neural_pull_space import NeuralPullSpace
from isofield.configs.occupancy import Occupancy
from isofield.configs.pca_mlp import PcaMlp
from isofield.configs.preparing import (
    SAMPLE_KINDS,
    Normalize,
    PrepareConfig,
    SampleKind,
    Sign,
)
from isofield.configs.sald import Sald
from isofield.configs.sald_space import Augmentation, PointEncoder, SaldSpace
from isofield.configs.sdf_regression import SdfRegression
from isofield.configs.siren import Siren
from isofield.configs.ssd import Ssd, SsdSiren
from isofield.configs.training import Training
from isofield.configs.triangles import Triangles

__all__ = [
    "SAMPLE_KINDS",
    "Augmentation",
    "Cnp",
    "Concat",
    "DeepSdf",
    "FieldNetwork",
    "Hypernet",
    "Igr",
    "ImageCodes",
    "Linear",
    "MetaLinear",
    "MetaSdf",
    "MethodSpec",
    "Network",
    "NeuralPull",
    "NeuralPullImage",
    "NeuralPullSpace",
    "Normalize",
    "Objective",
    "Occupancy",
    "Optim",
    "PcaMlp",
    "PictureEncoder",
    "PointEncoder",
    "PrepareConfig",
    "Sald",
    "SaldSpace",
    "SampleKind",
    "Schedule",
    "SdfRegression",
    "Sign",
    "Siren",
    "Ssd",
    "SsdSiren",
    "StepSizes",
    "Tasks",
    "Training",
    "Triangles",
    "WarmStart",
]
