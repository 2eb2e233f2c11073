import os
import stat
from pathlib import Path

import pytest

from services.cli.place import Credentials, keep_credentials, make_folder, read_credentials
from shared.errors import Misconfigured

KEYS = Credentials("default", "tw_a_b", "ts_a_b")


def test_kept_keys_are_read_again_and_are_for_us_alone(tmp_path: Path) -> None:
    keep_credentials(tmp_path, KEYS)
    keep_credentials(tmp_path, KEYS)

    assert read_credentials(tmp_path) == KEYS
    assert [(entry.name, stat.S_IMODE(entry.stat().st_mode)) for entry in tmp_path.iterdir()] == [
        ("credentials.json", 0o600)
    ]


def test_no_keys_are_none(tmp_path: Path) -> None:
    assert read_credentials(tmp_path) is None
    assert read_credentials(tmp_path / "absent") is None


@pytest.mark.parametrize("content", [b"", b"{}", b'{"workspace": 1}', b"\xff"])
def test_a_spoilt_file_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "credentials.json").write_bytes(content)

    with pytest.raises(Misconfigured, match="remove it and new ones are made"):
        read_credentials(tmp_path)


def test_the_data_folder_may_be_passed_through_but_not_read_by_others(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a" / "data")

    assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0o011 & ~_umask()


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Misconfigured, match="choose another --data"):
        make_folder(tmp_path / "file" / "data")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
