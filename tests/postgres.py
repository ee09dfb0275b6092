"""A PostgreSQL server of the tests' own, on this machine alone."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

PASSWORD = "Geheim-1"


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, None if it is not installed; Debian keeps them off the path."""
    places = [Path(found).parent for name in ("initdb",) if (found := shutil.which(name))]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "pg_ctl").exists()), None)


class Cluster:
    """A server with a user ``remix``, whose password is :data:`PASSWORD`. It does not run yet.

    PostgreSQL refuses to run as root, who then lends it another user.
    """

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="remix-postgres-"))
        self._user = "nobody" if os.geteuid() == 0 else None
        (self.folder / "password").write_text(PASSWORD)
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            for path in (self.folder, self.folder / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._run("initdb", "-U", "remix", "-A", "scram-sha-256", "--pwfile", "password", "--no-sync")

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -F"
        self._run("pg_ctl", "-w", "-l", "log", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Whoever is connected loses the connection."""
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def close(self) -> None:
        """Stop for good, and remove everything."""
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def uri(self, database: str, password: str = PASSWORD) -> str:
        return f"postgresql://remix:{password}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template1") -> str:
        """Make a database, and return its address."""
        import psycopg

        with psycopg.connect(self.uri("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"'.encode())
        return self.uri(database)

    def disconnect(self, database: str) -> None:
        """End all connections to a database."""
        import psycopg

        with psycopg.connect(self.uri("postgres"), autocommit=True) as connection:
            every = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            connection.execute(every, [database])

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", "data", *arguments]
        with (self.folder / "output").open("ab") as output:  # a pipe would stay open in the server
            done = subprocess.run(command, cwd=self.folder, user=self._user, stdout=output, stderr=output)
        assert done.returncode == 0, (self.folder / "output").read_text()
