"""The training of a space over many shapes; it depends on the contract `types.TrainedSpace`, and on no method."""

from isofield.training.checkpoint import SNAPSHOTS, check_new, resume, run
from isofield.training.log import LOG, read_log
from isofield.training.loss_curves import curves
from isofield.training.processes import Processes, joined_processes
from isofield.training.trainer import Trainer

__all__ = [
    "LOG",
    "SNAPSHOTS",
    "Processes",
    "Trainer",
    "check_new",
    "curves",
    "joined_processes",
    "read_log",
    "resume",
    "run",
]
