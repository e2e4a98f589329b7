"""Keys and store addresses are refused before anything is written."""

from pathlib import Path

import pytest

from spotloom.errors import SetupError
from spotloom.media.store import Store, key_for


def test_a_key_says_campaign_combination_attempt_and_name():
    assert key_for("0198a", "c-1f2e", 2, "video.mp4") == "0198a/c-1f2e/2/video.mp4"


@pytest.mark.parametrize("bad", ["", "..", ".", ".hidden", "a\\b", "a b", "ä", "a\0", "#1"])
def test_a_key_cannot_leave_its_folder(bad, tmp_path):
    with pytest.raises(ValueError, match="cannot be a key"):
        key_for("campaign", bad, 1, "video.mp4")
    with pytest.raises(ValueError, match="cannot be a key"):
        Store.open(str(tmp_path)).local_path(f"campaign/{bad}")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "  ",
        "a\0b",
        "ftp://127.0.0.1/files",
        "memory:///",
        "http://127.0.0.1/files",
        "az://container/files",  # no account configured
        "file://host/files",
        "s3://",
    ],
)
def test_an_unusable_address_is_refused(address, monkeypatch):
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(SetupError):
        Store.open(address)


def test_a_refused_address_does_not_repeat_its_secret():
    with pytest.raises(SetupError) as refused:
        Store.open("http://user:hunter2@127.0.0.1/files?sig=hunter2")
    assert "hunter2" not in str(refused.value)


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "taken").write_text("x")
    for address in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(SetupError, match="taken"):
            Store.open(str(address))


def test_a_folder_with_spaces_and_a_file_url_are_stores(tmp_path):
    Store.open(str(tmp_path / "a b" / "c"))
    store = Store.open(f"file://{tmp_path}/plain")
    assert store.local_path("a/b") == Path(tmp_path / "plain" / "a" / "b")
