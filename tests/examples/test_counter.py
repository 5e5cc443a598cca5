"""The machine without the shop."""

import os
import subprocess
import sys

from tests.docs.markdown import ROOT

EXAMPLE = ROOT / "examples" / "counter"


def test_it_counts(empty_database_url: str) -> None:
    environment = os.environ | {"PYTHONPATH": f"{EXAMPLE}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, EXAMPLE / "counter.py", empty_database_url],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "10"  # after what the machine logs
