"""A proxy in front of Postgres that lets a commit happen and swallows its reply."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from sqlalchemy.engine import make_url

# ReadyForQuery: outside a transaction, so that whatever was sent is committed; and inside one. CopyInResponse.
_IDLE, _IN_TRANSACTION = b"Z\x00\x00\x00\x05I", b"Z\x00\x00\x00\x05T"
_COPY_IN = b"G"


class LossyProxy:
    """Forwards connections of clients without TLS.

    After ``arm(marker)`` the first statement that holds ``marker`` is carried out and committed, whether by itself or
    by a COMMIT behind it; the reply that would say so is swallowed, and ``swallowed`` is set.
    """

    def __init__(self, target: str) -> None:
        self._target = make_url(target)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._marker: bytes | None = None
        self.swallowed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The URL to use instead of the target's."""
        port = self._listener.getsockname()[1]
        query = {"sslmode": "disable", "gssencmode": "disable"}
        url = self._target.set(host="127.0.0.1", port=port, query=query)
        return url.render_as_string(hide_password=False)

    def arm(self, marker: str) -> None:
        """Swallow the next commit's reply behind a statement that holds ``marker``."""
        self.swallowed.clear()
        self._marker = marker.encode()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _connect(self) -> socket.socket:
        folder = self._target.query.get("host")
        if folder:
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{folder}/.s.PGSQL.{self._target.port or 5432}")
            return server
        return socket.create_connection((self._target.host or "127.0.0.1", self._target.port or 5432))

    def _serve(self, client: socket.socket) -> None:
        with client, self._connect() as server:
            marked = threading.Event()

            def back() -> None:
                held = b""
                with contextlib.suppress(OSError):
                    while data := server.recv(1 << 16):
                        held += data
                        if marked.is_set():
                            if held.endswith(_IDLE):
                                self.swallowed.set()
                                return  # nothing more comes back on this connection
                            if not (held.endswith(_IN_TRANSACTION) or held.startswith(_COPY_IN)):
                                continue
                        client.sendall(held)
                        held = b""

            threading.Thread(target=back, daemon=True).start()
            with contextlib.suppress(OSError):
                while data := client.recv(1 << 16):
                    if self._marker is not None and self._marker in data:
                        self._marker = None
                        marked.set()
                    server.sendall(data)


@contextlib.contextmanager
def lossy(target: str) -> Iterator[LossyProxy]:
    """A proxy for the block."""
    proxy = LossyProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
