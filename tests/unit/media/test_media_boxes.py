"""The outer layout of a file shows whether it is whole."""

import pytest

from spotloom.media.boxes import check_whole
from spotloom.media.inspected import BadFile


def box(kind: bytes, size: int = 8, *, told: int | None = None) -> bytes:
    return (size if told is None else told).to_bytes(4) + kind + bytes(size - 8)


WHOLE = box(b"ftyp", 16) + box(b"moov", 40) + box(b"mdat", 100)


@pytest.mark.parametrize(
    "data",
    [
        WHOLE,
        WHOLE + b"\0\0\0",  # some writers pad; players do not mind
        WHOLE + b"\0\0\0\5free",
        box(b"ftyp") + box(b"free") + box(b"mdat", 50) + box(b"moov", 20),
        box(b"ftyp") + box(b"moov") + box(b"mdat", 30, told=0),
        box(b"ftyp") + box(b"moov") + (1).to_bytes(4) + b"mdat" + (20).to_bytes(8) + bytes(4),
    ],
)
def test_a_whole_layout_passes(data, tmp_path):
    (tmp_path / "v").write_bytes(data)
    check_whole(tmp_path / "v")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "ftyp box"),
        (WHOLE[:-1], "ends 1 bytes early"),
        (WHOLE[:70], "mdat box at byte 56 is 100 bytes long"),
        (WHOLE[:56], "picture data"),
        (box(b"ftyp") + box(b"mdat"), "index"),
        (WHOLE[:56] + b"\0\0\0", "no box at byte 56"),
        (WHOLE[:56] + b"\0\0\0\5free", "no box"),
        (WHOLE + box(b"free", 50)[:20], "free box at byte 156"),
        (box(b"ftyp") + (1).to_bytes(4) + b"mdat" + (2**63).to_bytes(8), "early"),
        (b"<html>gateway timeout</html>", "no box|cut"),
        (bytes([0, 0, 0, 8, 1, 2, 3, 4]), "no box"),
    ],
)
def test_a_cut_or_foreign_layout_is_named(data, message, tmp_path):
    (tmp_path / "v").write_bytes(data)
    with pytest.raises(BadFile, match=message):
        check_whole(tmp_path / "v")


def test_a_file_of_endless_tiny_boxes_is_not_walked_for_ever(tmp_path):
    (tmp_path / "v").write_bytes(box(b"free") * 200_000)
    with pytest.raises(BadFile):
        check_whole(tmp_path / "v")
