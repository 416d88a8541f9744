"""Reading reference events: their words, their holes, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from retrosole.errors import DamagedDataError, UsageError
from retrosole.gait.reference import COLUMNS, exchanged, read_reference

HEADER = ",".join(COLUMNS)


def table(tmp_path: Path, *rows: str, header: str = HEADER) -> Path:
    path = tmp_path / "events.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_words_of_the_table_become_those_of_the_project(tmp_path: Path) -> None:
    row = "R,1.9911,1.9877,2.0454,2.6142,2.7928,2.7890,heel_first,ok"
    (reference,) = read_reference(table(tmp_path, row), "forward")
    stride = reference.stride
    assert (stride.side, stride.stride, stride.direction) == ("right", 0, "forward")
    assert (stride.initial_contact_s, stride.heel_on_s, stride.forefoot_on_s) == (1.9911, 1.9877, 2.0454)
    assert (stride.heel_off_s, stride.forefoot_off_s, stride.final_contact_s) == (2.6142, 2.7928, 2.7890)
    assert (stride.contact_order, stride.lift_order) == ("heel_first", "heel_first")
    assert reference.is_ok
    assert reference.span_s == (1.9911, 2.7890)


@pytest.mark.parametrize(
    ("word", "order"),
    [
        ("heel_first", "heel_first"),
        ("toe_first", "forefoot_first"),
        ("flat", "together"),
        ("none", "unknown"),
    ],
)
def test_orders(tmp_path: Path, word: str, order: str) -> None:
    (reference,) = read_reference(table(tmp_path, f"L,1,1,1,1.5,1.51,1.6,{word},atypical"))
    assert reference.stride.contact_order == order
    assert reference.stride.lift_order == "together"
    assert not reference.is_ok


def test_a_stance_cut_by_the_recording_is_open_on_that_side(tmp_path: Path) -> None:
    first, last = read_reference(
        table(tmp_path, "L,,,,0.7912,0.7989,0.8189,none,edge", "L,9.1,9.1,9.2,,,,heel_first,edge")
    )
    assert math.isnan(first.stride.initial_contact_s)
    assert first.span_s == (-math.inf, 0.8189)
    assert last.span_s == (9.1, math.inf)
    assert last.stride.lift_order == "unknown"


def test_strides_of_each_foot_are_numbered_from_nought(tmp_path: Path) -> None:
    rows = [f"{foot},{t},{t},{t},{t}.5,{t}.5,{t}.6,flat,ok" for t, foot in enumerate("LRLR", start=1)]
    references = read_reference(table(tmp_path, *rows))
    assert [(r.stride.side, r.stride.stride) for r in references] == [
        ("left", 0),
        ("right", 0),
        ("left", 1),
        ("right", 1),
    ]


def test_exchanging_heel_and_forefoot_exchanges_events_and_orders_but_not_the_contact(tmp_path: Path) -> None:
    (reference,) = exchanged(
        read_reference(table(tmp_path, "L,1.0,1.0,1.1,1.4,1.6,1.6,heel_first,ok"), "forward"), "backward"
    )
    stride = reference.stride
    assert (stride.forefoot_on_s, stride.heel_on_s) == (1.0, 1.1)
    assert (stride.forefoot_off_s, stride.heel_off_s) == (1.4, 1.6)
    assert (stride.initial_contact_s, stride.final_contact_s) == (1.0, 1.6)
    assert (stride.contact_order, stride.lift_order, stride.direction) == (
        "forefoot_first",
        "forefoot_first",
        "backward",
    )
    assert reference.is_ok


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("L,1,1,1,1,1,1,flat", "line 2: 8 cells, expected 9"),
        ("X,1,1,1,1,1,1,flat,ok", "line 2: foot is 'X', expected L or R"),
        ("L,one,1,1,1,1,1,flat,ok", "line 2: initial_contact_s is 'one', expected seconds"),
        ("L,1,1,1,1,1,inf,flat,ok", "line 2: foot_off_s is 'inf', expected seconds"),
        ("L,1,1,1,1,1,1,toes,ok", "line 2: order is 'toes', expected heel_first or toe_first"),
        ("L,1,1,1,1,1,1,flat,fine", "line 2: flag is 'fine', expected ok or atypical"),
    ],
)
def test_damage_is_named_with_its_line(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(DamagedDataError, match=r"events\.csv") as caught:
        read_reference(table(tmp_path, row))
    assert says in str(caught.value)


def test_other_tables_and_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedDataError, match="the header is 'side,stride', expected foot,"):
        read_reference(table(tmp_path, header="side,stride"))
    with pytest.raises(UsageError, match="cannot open the reference events"):
        read_reference(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DamagedDataError, match="not a text file"):
        read_reference(tmp_path / "binary.csv")
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(DamagedDataError, match="the header is ''"):
        read_reference(tmp_path / "empty.csv")
