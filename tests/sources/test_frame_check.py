import pytest

from radtrace.sources.frame_check import frame_misfit


def squares(limit, count=30, size=None):
    """Boxes from the top left corner to the bottom right one of a square of that side."""
    step = limit / (count + 1)
    return [((n * step, n * step, (n + 2) * step, (n + 2) * step), size) for n in range(count)]


@pytest.mark.parametrize(
    ("stated", "boxes", "likely"),
    [
        ("squash-336", squares(336), None),
        ("squash-224", squares(224), None),
        ("0-1000", squares(999), None),
        ("fraction", squares(1.0), None),
        ("squash-336", squares(224), "goes past 67 % of the frame 'squash-336'; they fit 'squash-224'"),
        ("squash-512", squares(336), "goes past 66 % of the frame 'squash-512'; they fit 'squash-336'"),
        ("squash-224", squares(336), "11 of 30 boxes do not lie in the frame 'squash-224'; they fit 'squash-336'"),
        ("fraction", squares(336), "30 of 30 boxes do not lie in the frame 'fraction'; they fit 'squash-336'"),
        ("0-1000", squares(512), "they fit 'squash-512' or 'centre-crop-512' or 'letterbox-512'"),
        ("pixels", squares(2000, size=(2000, 2000)), None),
        ("pixels", squares(336, size=(2000, 2400)), "goes past 17 % of the frame 'pixels'; they fit 'squash-336'"),
        ("pixels", squares(500, size=(2000, 2000)), "they fit 'quarter'"),
        ("pixels", squares(224), None),  # whose size nobody knows
        ("squash-336", squares(224, count=19), None),  # too few to tell
        ("squash-336", squares(5000), None),  # no known frame holds them
        ("0-999", squares(700), None),  # none is filled by them
    ],
)
def test_a_frame_that_does_not_fit_is_named(stated, boxes, likely):
    found = frame_misfit(stated, boxes)
    assert (found is None) == (likely is None), found
    assert likely is None or likely in found


def test_corners_and_sizes_are_told_apart():
    """40 boxes of 100x100 pixels along the diagonal of a view of 1000x1000."""
    starts = [n * 900 / 39 for n in range(40)]
    as_corners = [((s, s, s + 100, s + 100), (1000, 1000)) for s in starts]
    as_sizes = [((s, s, 100, 100), (1000, 1000)) for s in starts]
    assert frame_misfit("pixels", as_corners) is None
    assert frame_misfit("pixels-xywh", as_sizes) is None
    assert "they fit 'pixels-xywh'" in frame_misfit("pixels", as_sizes)
    assert "they fit 'pixels'" in frame_misfit("pixels-xywh", as_corners)


def test_a_few_bad_boxes_raise_no_doubt():
    bad = [((float("nan"), 0, 1, 1), None), ((0.9, 0.9, 0.1, 0.1), None), ((1, 2, 3), None)]
    assert frame_misfit("fraction", squares(1.0, 300) + bad) is None
    assert frame_misfit("fraction", bad * 50) is None
