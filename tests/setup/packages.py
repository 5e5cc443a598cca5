"""What the locks name, as files in a folder, and later releases of all of it."""

import re
import zipfile
from pathlib import Path

from tests.docs.markdown import ROOT

LOCK = ROOT / "requirements.lock"
LATER = "9999.0"


def release_later(folder: Path) -> None:
    """Put a newer release of everything that is locked into the folder, as time does."""
    for name in re.findall(r"^([\w.-]+)==", LOCK.read_text(), re.MULTILINE):
        stem = f"{name.replace('-', '_')}-{LATER}"
        about = f"{stem}.dist-info"
        with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {LATER}\n"
            tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            wheel.writestr(f"{about}/METADATA", metadata)
            wheel.writestr(f"{about}/WHEEL", tags)
            wheel.writestr(f"{about}/RECORD", "")
