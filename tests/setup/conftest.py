"""The newest pip, and a folder that stands for an index."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.setup.packages import LOCK, release_later


@pytest.fixture(scope="session")
def newest_pip(tmp_path_factory: pytest.TempPathFactory) -> list[str | Path]:
    """The command."""
    folder = tmp_path_factory.mktemp("newest-pip")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    quiet = ("--quiet", "--disable-pip-version-check")
    pip: list[str | Path] = [folder / "bin/python", "-m", "pip", *quiet]
    subprocess.run([*pip, "install", "--upgrade", "pip"], check=True)
    return pip


@pytest.fixture(scope="session")
def index(newest_pip: list[str | Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is locked, for this machine, and a newer release of all of it."""
    folder = tmp_path_factory.mktemp("index")
    wanted: list[str | Path] = [
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        "--requirement",
        LOCK,
    ]
    subprocess.run([*newest_pip, "download", *wanted, "--dest", folder], check=True)
    release_later(folder)
    return folder
