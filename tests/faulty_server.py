"""An MLflow server in the test's own process that can be slow, broken, silent or gone."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.serving import WSGIRequestHandler, make_server

_STORE = "_tracking_store"  # what the application answers from
_STATUSES = {
    "error": "500 Internal Server Error",
    "busy": "429 Too Many Requests",
    "no login": "401 Unauthorized",
}
FAULTS = ("none", "slow", "hang", "drop", "lose answer", *_STATUSES)


class FaultyServer:
    """MLflow's own application, with a fault of choice before or after it.

    :param database: the file of its store.
    :ivar fault: one of :data:`FAULTS`, from the next request on.
    :ivar requests: how many came.
    """

    def __init__(self, database: Path) -> None:
        from mlflow.server import app, handlers
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        self._handlers = vars(handlers)
        self._store = self._handlers[_STORE]
        artifacts = (database.parent / "artifacts").as_uri()
        self._handlers[_STORE] = SqlAlchemyStore(f"sqlite:///{database}", artifacts)
        self.fault, self.requests, self._app = "none", 0, app.wsgi_app
        self._over = threading.Event()
        self._port = 0
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, after a stop at the same address."""
        self._server = make_server(
            "127.0.0.1", self._port, self._answer, threaded=True, request_handler=_SilentHandler
        )
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Refuse connections."""
        self._server.shutdown()
        self._server.server_close()

    def close(self) -> None:
        """Stop for good."""
        self._over.set()
        self.stop()
        self._handlers[_STORE] = self._store

    def _answer(self, environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        self.requests += 1
        if self.fault in _STATUSES:
            start(_STATUSES[self.fault], [("Content-Type", "text/plain")])
            return [b"no"]
        if self.fault == "slow":
            time.sleep(0.5)
        elif self.fault == "hang":
            self._over.wait(1000)
        answer: Iterable[bytes] = [] if self.fault == "drop" else self._app(environment, start)
        if self.fault in ("drop", "lose answer"):
            environment["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return answer


class _SilentHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing."""
