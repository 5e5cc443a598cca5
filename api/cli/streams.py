"""The standard streams, which a caller may have closed, filled up or given a narrow encoding."""

import errno
import io
import os
import sys


class Closed(io.TextIOBase):
    """Where nobody has opened the standard output: whoever writes there is told."""

    def write(self, text: str) -> int:
        """Raises OSError."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF), "the standard output")


def prepare_streams() -> None:
    """Make output work in every locale, and keep what is opened later from taking its place."""
    while (opened := os.open(os.devnull, os.O_RDWR)) < 3:  # the lowest number that is free
        pass
    os.close(opened)
    if sys.stdout is None:
        sys.stdout = Closed()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115  # for as long as we live
    if isinstance(sys.stdout, io.TextIOWrapper):
        # JSON is UTF-8, and so are names; a terminal may know no better than its own letters.
        narrow = sys.stdout.isatty() and sys.stdout.encoding.lower() not in {"ascii", "us-ascii"}
        encoding = sys.stdout.encoding if narrow else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def give_up_output() -> None:
    """Nothing more can be written there, also not when Python ends."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
