"""Lines for output that is no terminal."""

from retrosole.gait.strides import Stride
from retrosole.live.lines import format_status, format_stride
from retrosole.live.state import FootState, LiveState

GOOD = Stride(
    "left", 12, 63.412, final_contact_s=64.224,
    contact_order="forefoot_first", direction="backward", confidence=0.93,
)  # fmt: skip


def test_stride_line_is_exactly_this() -> None:
    assert format_stride(GOOD) == (
        "    63.412 s  left   stride   12  forefoot_first  backward"
        "  stance   812 ms  confidence  93 %"
    )


def test_columns_stay_where_they_are() -> None:
    unknown = Stride("right", 1234, 3599.5)
    line = format_stride(unknown)
    assert len(line) == len(format_stride(GOOD))
    words = " ".join(line.split())
    assert words == "3599.500 s right stride 1234 unknown unknown stance -- ms confidence 0 %"


def test_status_names_link_loss_and_fault() -> None:
    foot = FootState("left", ["a"], ["heel"], 200.0)
    foot.link, foot.received_n, foot.lost_sample_n, foot.lost_frame_n = (
        "lost, retrying",
        5200,
        26,
        1,
    )
    foot.fault = "channel met3 stuck\x1b[2J"
    foot.push_stride(GOOD)
    line = format_status(LiveState([foot], elapsed_s=3725.9, message="marker 3"))
    assert line == (
        "elapsed 1:02:05  strides 1  backward 100 %  left: lost, retrying, received 5200,"
        " lost 26 samples 1 frames, fault: channel met3 stuck?[2J  marker 3"
    )


def test_status_before_the_first_stride() -> None:
    assert "strides 0  backward --" in format_status(LiveState([]))
