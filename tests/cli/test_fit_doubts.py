"""What `isofield fit` warns of, and that each remedy is one that was not taken yet."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from isofield.cli.fit import options_of
from isofield.cli.fit_doubts import Outcome, doubts

GOOD = Outcome(
    open=False, used=30_000, method="ssd", median=0.001, p95=0.004, spacings=0.1, unseen=0.01, blocked=0.0, dropped=0,
    cell=0.01,
)  # fmt: skip


def said(outcome: Outcome, *options: str) -> list[str]:
    inputs = ["scan.ply", "scan-2.ply"] if "--merge" in options else ["scan.ply"]
    return list(doubts(outcome, options_of([*inputs, "-o", "mesh.ply", *options])))


def test_a_good_fit_is_not_doubted():
    assert said(GOOD) == said(GOOD, "--resolution", "64") == said(replace(GOOD, p95=0.5)) == []


@pytest.mark.parametrize(
    ("figures", "options", "words"),
    [
        ({"open": True, "used": 999}, (), "999 points are too few to tell"),
        ({"spacings": 1.1}, (), "1.1 of their spacings in the median: the cells .* take --quality best"),
        ({"spacings": 1.1}, ("--quality", "best"), "fit parts of the points alone"),
        ({"spacings": 1.1}, ("--method", "igr"), "fits the points badly; leave it out"),
        ({"spacings": 1.1}, ("--resolution", "32"), "give more cells"),
        ({"p95": 0.021}, ("--resolution", "32"), "0.021 or more from the mesh, 2 cells: .* give more cells"),
        ({"unseen": 0.06}, (), "6 % of the mesh closes .*: --surface open"),
        ({"lines": 0.02}, (), "2 % of the points, about 600, lie along lines, .* or take --surface closed for tubes"),
        ({"lines": 0.02}, ("--surface", "closed"), "2 % of the points, .*: give more points of them$"),
        ({"blocked": 0.11}, (), "blocks 11 % of the rays .*: take --surface open"),
        ({"blocked": 0.11, "open": True}, (), "give the positions of the sensors"),
        ({"blocked": 0.11, "open": True}, ("--up", "z"), "check --up, and leave it out"),
        (
            {"blocked": 0.11, "open": True},
            ("--merge",),
            "may lie apart .--poses registers them.*--viewpoint gives",
        ),
        ({"blocked": 0.11}, ("--merge", "--poses", "p.json"), "may lie apart .check --poses"),
        ({"blocked": 0.11}, ("--viewpoint", "0,0,1"), "check --viewpoint, and leave it out"),
        ({"block": True}, ("--surface", "closed"), "leave --surface closed out .* --method triangles --thickness 0.01"),
        ({"handles": 9, "walls": 4.9}, (), "9 handles, and walls of 4.9 spacings .* give more points"),
        ({"dropped": 10}, (), "10 small components were left out of the mesh: parts of the shape"),
        ({"dropped": 10}, ("--method", "igr"), "--method igr may fit worse than the default"),
    ],
)
def test_a_doubt_has_its_remedy(figures, options, words):
    (sentence,) = said(replace(GOOD, **figures), *options)
    assert re.search(words, sentence), sentence


@pytest.mark.parametrize(
    ("figures", "options"),
    [
        ({"unseen": 0.06}, ("--surface", "closed")),
        ({"unseen": 0.06}, ("--trim", "0.1")),
        ({"unseen": 0.06, "open": True}, ()),
        ({"unseen": 0.06, "method": "triangles"}, ()),
        ({"dropped": 9}, ()),
        ({"handles": 8, "walls": 1.0}, ()),
        ({"handles": 28, "walls": 6.0}, ()),
        ({"handles": 28, "walls": 1.0, "method": "triangles"}, ()),
        ({"blocked": 0.09}, ()),
    ],
)
def test_what_is_asked_for_is_not_doubted(figures, options):
    assert said(replace(GOOD, **figures), *options) == []
