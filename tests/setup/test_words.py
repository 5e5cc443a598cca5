"""What is said about Python and pip is the same wherever it is said."""

import re
import tomllib

from tests.docs.markdown import README, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def pythons() -> list[str]:
    [line] = re.findall(r"^PYTHONS := (.*)$", MAKEFILE, re.MULTILINE)
    return str(line).split()


def test_the_lock_is_tried_for_every_python_that_the_classifiers_name() -> None:
    named = "Programming Language :: Python :: "
    assert [
        classifier.removeprefix(named)
        for classifier in PROJECT["classifiers"]
        if classifier.startswith(named)
    ] == pythons()


def test_no_other_python_is_let_in() -> None:
    first, last = pythons()[0], pythons()[-1]
    minor = int(last.removeprefix("3.")) + 1
    assert PROJECT["requires-python"] == f">={first},<3.{minor}"
    assert f"(3, {first.removeprefix('3.')}) <= sys.version_info < (3, {minor})" in MAKEFILE
    assert f"NEXT_PYTHON := 3.{minor}\n" in MAKEFILE
    for text in (MAKEFILE, README.read_text()):
        assert f"Python {first} to {last}" in text


def test_the_image_has_the_oldest_of_them() -> None:
    found = re.findall(r"^FROM python:([\d.]+)-slim", DOCKERFILE, re.MULTILINE)
    assert found == [pythons()[0]] * 2


def test_every_lock_is_installed_in_the_same_way() -> None:
    how = "--no-deps --require-hashes --only-binary=:all:"
    found = re.findall(rf"pip install .*{how} -r \S+\.lock && pip check$", DOCKERFILE, re.MULTILINE)
    assert len(found) == DOCKERFILE.count("pip install --no-cache-dir --no-deps --require") == 2
    assert "--no-deps --require-hashes $(WHEELS)\n" in MAKEFILE
    assert "WHEELS ?= --only-binary=:all:\n" in MAKEFILE
