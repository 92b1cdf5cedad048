"""The short programs of examples/ run to their end; 07 and 08, which train for minutes, are left out."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
LINES = {
    "01_fit_a_scan.py": "volume ",
    "02_query_a_field.py": "torch.float64",
    "03_fields_out_of_fields.py": "rays: ",
    "04_one_shape_every_method.py triangles ssd": "ssd          F at 1 %: 1.0000",
    "05_fit_a_code_to_a_silhouette.py": "step 59",
    "06_train_an_encoder.py": "step  89",
}


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES)
def test_an_example_runs_to_its_end(line, tmp_path):
    script, *arguments = line.split()
    command = [sys.executable, str(EXAMPLES / script), *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert LINES[line] in done.stdout
