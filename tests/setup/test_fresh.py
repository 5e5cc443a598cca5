"""Set-up from nothing: with the oldest and the newest pip, and where machines are unlike this one.

Needs a package index, from which pip and what is locked are fetched once: `make test-setup`.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.running import environment, eventually, free_port
from tests.docs.markdown import ROOT

pytestmark = pytest.mark.network

OLDEST = "pip==22.3" if sys.version_info < (3, 12) else "pip==23.2"  # that Python came with
NEWEST = "pip"
NOBODY = 65534
UNKIND = """
[global]
user = true
require-virtualenv = true
no-binary = :all:
"""
LINE = re.compile(r"^RUN (pip install .*/tmp/requirements-runtime\.lock.*)$", re.MULTILINE)


def offline(index: Path, **variables: str) -> dict[str, str]:
    """An environment in which pip knows the folder and nothing else."""
    own = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_NO_COMPILE": "1"}
    makes = {"MAKEFLAGS": "", "MAKELEVEL": ""}  # what runs the tests may be a make as well
    return environment(**own, **makes, **{"PIP_CONFIG_FILE": os.devnull, **variables})


def run(
    *command: str | Path, env: dict[str, str] | None = None, cwd: Path = ROOT, user: int | None
) -> str:
    """What it says, where it does what it should."""
    done = subprocess.run(
        command, env=env, cwd=cwd, user=user, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(params=[OLDEST, NEWEST], ids=["oldest-pip", "newest-pip"])
def venv(request: pytest.FixtureRequest, newest_pip: list[str | Path], tmp_path: Path) -> Path:
    """An environment with nothing in it but that pip."""
    folder = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder, user=None)
    run(*newest_pip, "--python", folder / "bin/python", "install", request.param, user=None)
    return folder


def test_make_installs_what_is_locked_whatever_was_released_since(venv: Path, index: Path) -> None:
    said = run("make", "setup", f"VENV={venv}", env=offline(index), user=None)
    assert "No broken requirements found." in said
    assert run(venv / "bin/shop", "--version", user=None).startswith("shop ")


def test_the_image_installs_what_is_locked_whatever_was_released_since(
    venv: Path, index: Path
) -> None:
    [line] = LINE.findall((ROOT / "Dockerfile").read_text())
    path = f"{venv / 'bin'}:{os.environ['PATH']}"
    said = run("sh", "-c", line.replace("/tmp/", ""), env=offline(index, PATH=path), user=None)
    assert "No broken requirements found." in said


def an_ordinary_user() -> tuple[str, int | None]:
    """A Python, and somebody who may run it and is not root."""
    own = f"{sys.base_prefix}/bin/python3"
    fit = "import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))"
    for python in (own, "/usr/bin/python3") if os.geteuid() == 0 else ():
        with suppress(OSError):  # it is not there, or in root's home
            if subprocess.run([python, "-c", fit], user=NOBODY, check=False).returncode == 0:
                return python, NOBODY
    return own, None


def test_it_runs_for_anybody_in_any_folder_read_only_whatever_is_set(
    data_dir: Path, index: Path
) -> None:
    python, user = an_ordinary_user()
    home = data_dir / "Åsa's böd 店"
    source = home / "shop"
    for name in run("git", "ls-files", "-co", "--exclude-standard", user=None).splitlines():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    (home / "pip.conf").write_text(UNKIND)
    (home / "of another Python" / "pydantic").mkdir(parents=True)
    (home / "of another Python" / "pydantic" / "__init__.py").write_text("raise SystemExit")
    (home / "programs").mkdir()  # no compiler among them
    for program in ("sh", "make", "cat", "grep"):
        (home / "programs" / program).symlink_to(str(shutil.which(program)))
    shutil.copytree(index, data_dir / "index")  # pip takes no path with spaces here
    if user is not None:
        for path in (data_dir, *data_dir.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
    port = free_port()
    variables = offline(
        data_dir / "index",
        HOME=str(home),
        PATH=str(home / "programs"),
        PYTHON=python,
        PYTHONPATH=str(home / "of another Python"),
        PIP_REQUIRE_VIRTUALENV="1",
        PIP_CONFIG_FILE=str(home / "pip.conf"),
        VIRTUAL_ENV="/nowhere",
        SHOP_PORT=str(port),
        SHOP_DATA_DIR=str(home / "dåta of the shop"),
    )
    run("make", "setup", cwd=source, env=variables, user=user)
    for path in (source, *source.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    log = data_dir / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            ["make", "run"], cwd=source, env=variables, user=user, stdout=output, stderr=output
        ) as process,
    ):
        eventually(lambda: "Ctrl+C stops it." in log.read_text() or process.poll() is not None, 120)
        process.send_signal(signal.SIGTERM)
    assert f"http://127.0.0.1:{port}/graphql" in log.read_text()
    assert list(home.glob("dåta of the shop/postgres"))
