"""What `evaluate` prints and writes: results of pairs, as a table or JSON and as CSV, and the files without one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from isofield.errors import InputError
from isofield.files import write_text

if TYPE_CHECKING:
    from rich.console import Console

    from isofield.evaluate import Results
    from isofield.evaluate.metric import Metric

NAMED = 10
"""Most files without a partner that are named."""


def console() -> Console:
    """Standard output; a pipe has no width, and 80 columns would cut the tables."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 140, highlight=False)


def written(
    results: Results,
    metrics: Sequence[Metric],
    table: Callable[[Console], None],
    json: bool,
    csv: Path | None,
    over_pairs: Mapping[str, object] | None = None,
) -> int:
    """Prints results as JSON, or as a table that `table` prints, and writes them to a CSV file: the exit status.

    over_pairs: what the JSON says of all pairs together, by name. Files without a partner and failed pairs are named
    on standard error.
    """
    from isofield.evaluate import tables

    _print_problems(results)
    if json:
        print(tables.to_json(results, metrics, over_pairs))
    else:
        table(console())
    if csv is not None:
        write_text(csv, tables.to_csv(results))
    return 0 if results.complete else 1


def check_scored(results: Results) -> None:
    """Raises InputError where no pair could be scored."""
    if not results.scored:
        raise InputError(f"no shape could be scored, first: {results.failed[0].problem}")


def _print_problems(results: Results) -> None:
    """Files without a partner, and pairs without scores, on standard error."""
    from rich.console import Console

    errors, missing = Console(stderr=True, highlight=False, soft_wrap=True), results.missing
    left = [f"{len(missing) - NAMED} more files have no partner."] if len(missing) > NAMED else []
    for sentence in [*missing[:NAMED], *left, *results.problems]:
        errors.print(sentence, markup=False)
