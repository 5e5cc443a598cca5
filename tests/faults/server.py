"""A PostgreSQL that a test may kill, stop, freeze and start again."""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infrastructure.postgres.embedded import BINARIES, EmbeddedPostgres

STANDBY = "standby"


class Server:
    """Runs inside the context manager `running_server`; its `url` outlives its restarts."""

    def __init__(self, folder: Path, options: Mapping[str, str]) -> None:
        self._postgres = EmbeddedPostgres(folder, options)
        self._data = folder / "postgres"
        self._guard: subprocess.Popen[bytes] | None = None
        self._postgres.claim()
        self.url = self._postgres.url

    def start(self) -> None:
        """Return when it takes connections."""
        self._postgres.prepare()
        self._guard = self._postgres.start()
        self._postgres.wait_until_ready()

    def kill(self) -> None:
        """`kill -9`; what was on its way to the disk by then is all that is left."""
        psutil.Process(self.pid).kill()
        self._wait()

    def stop(self) -> None:
        """As an operator does who restarts it: every connection is ended, with a reason."""
        psutil.Process(self.pid).send_signal(signal.SIGINT)
        self._wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It keeps its connections and says nothing."""
        processes = [
            server := psutil.Process(self.pid),
            *server.children(recursive=True),
        ]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    @contextmanager
    def standby(self, folder: Path) -> Iterator["Server"]:
        """A running standby, which streams from this server, on new data in `folder`."""
        standby = Server(folder, self._postgres._options)
        backup: list[str | Path] = [
            BINARIES / "pg_basebackup",
            f"--dbname=host={self._data} user=postgres application_name={STANDBY}",
            f"--pgdata={folder / 'postgres'}",
            "--checkpoint=fast",
            "--write-recovery-conf",
        ]
        postgres = standby._postgres
        try:
            if postgres._user:
                postgres._admit_user()
                folder.chmod(0o777)  # the backup makes its folder there itself
            postgres._run(*backup, user=postgres._user)
            standby.start()
            yield standby
        finally:
            standby.end()

    def promote(self) -> None:
        """Make it a primary; returns when it is one."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            assert connection.execute("SELECT pg_promote()").fetchone() == (True,)

    def end(self) -> None:
        """Stop it, if it runs, and give its folder back."""
        if self._guard is not None and self._guard.poll() is None:
            self.stop()
        self._postgres.release()

    @property
    def folder(self) -> Path:
        """Where its socket is."""
        return Path(str(conninfo_to_dict(self.url)["host"]))

    @property
    def pid(self) -> int:
        """Of the server itself, which all its other processes come from."""
        return int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])

    def _wait(self) -> None:
        assert self._guard is not None
        assert self._guard.stdin is not None
        self._guard.wait(30)
        self._guard.stdin.close()


def primary_of(*servers: Server) -> str:
    """The URL of whichever of them is the primary."""
    folders = ",".join(str(server.folder) for server in servers)
    return make_conninfo(servers[0].url, host=folders, target_session_attrs="read-write")


@contextmanager
def running_server(folder: Path, options: Mapping[str, str]) -> Iterator[Server]:
    """A server on new data in `folder`."""
    server = Server(folder, options)
    try:
        server.start()
        yield server
    finally:
        server.end()
