from .cap_udf import CapUdf
from .cnp import Cnp
from .common import MethodSpec, Network, Optim, Schedule, WarmStart
from .concat import Concat
from .conditioned import Objective, Tasks
from .deepsdf import DeepSdf
from .hypernet import Hypernet
from .igr import Igr
from .image_codes import ImageCodes
from .linear import Linear
from .metasdf import FieldNetwork, MetaLinear, MetaSdf, StepSizes
from .neural_pull import NeuralPull
from .neural_pull_image import NeuralPullImage, PictureEncoder
from .neural_pull_space import NeuralPullSpace
from .occupancy import Occupancy
from .pca_mlp import PcaMlp
from .preparing import (
    SAMPLE_KINDS,
    Normalize,
    PrepareConfig,
    SampleKind,
    Sign,
)
from .sald import Sald
from .sald_space import Augmentation, PointEncoder, SaldSpace
from .sdf_regression import SdfRegression
from .siren import Siren
from .ssd import Ssd, SsdSiren
from .training import Training
from .triangles import Triangles

__all__ = [
    "SAMPLE_KINDS",
    "Augmentation",
    "CapUdf",
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
