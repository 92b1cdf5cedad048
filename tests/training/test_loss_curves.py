"""Which curves a log gives."""

import pytest

from isofield.training.loss_curves import curves


def line(step: int, layers: int, code: float) -> dict:
    norms = {f"lin{k}.weight": float(k + step) for k in range(layers)}
    rates = {"network_rate": 0.1, "code_rate": 0.1, "seconds": 1.0}
    return {"step": step, "loss": 1.0, **rates, "code_norm": code, "norms": {**norms, "lin0.bias": 9.0}}


def test_of_many_layers_the_largest_and_the_total_are_shown():
    charts = {chart.title: chart for chart in curves([line(1, 30, 0.5), line(2, 30, 0.5)])}
    norms = charts["norms of the weights"].curves
    assert list(norms) == ["all 30 tensors", *(f"layer {k}" for k in range(29, 23, -1))]
    assert norms["all 30 tensors"][0] == pytest.approx(sum((k + 1) ** 2 for k in range(30)) ** 0.5)
    assert charts["mean norm of the codes"].curves == {"code norm": [0.5, 0.5]}


def test_of_few_layers_all_are_shown_and_codes_of_no_length_are_not():
    charts = {chart.title: chart for chart in curves([line(1, 3, 0.0), line(2, 3, 0.0)])}
    assert list(charts["norms of the weights"].curves) == ["layer 0", "layer 1", "layer 2"]
    assert "mean norm of the codes" not in charts
