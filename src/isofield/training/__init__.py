"""The loop that learns a network and the codes of many shapes; it knows no method."""

from isofield.training.checkpoint import SNAPSHOTS, STATE, check_new, read_log, read_state, run
from isofield.training.learner import Learner, Plan
from isofield.training.processes import Processes, joined_processes
from isofield.training.schedules import rate
from isofield.training.training import Training

__all__ = [
    "SNAPSHOTS",
    "STATE",
    "Learner",
    "Plan",
    "Processes",
    "Training",
    "check_new",
    "joined_processes",
    "rate",
    "read_log",
    "read_state",
    "run",
]
