"""Ports: found free before anything is started, so that one in use is a sentence and not a child's traceback."""

from __future__ import annotations

import errno
import socket

from app.errors import SetupError


def claim(host: str, port: int, *, option: str = "--port") -> int:
    """Return a port that is free on ``host`` now; 0 finds one.

    Raises
    ------
    SetupError
        When it is in use, not ours to take, or ``host`` is no address of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"Port {port} on {host} is in use; stop what uses it, or choose another with {option}."
        elif error.errno in {errno.EACCES, errno.EPERM}:
            reason = f"Port {port} may not be used by this user; choose one above 1023 with {option}."
        else:
            reason = f"{host!r} is not an address of this machine; 127.0.0.1 serves this machine, 0.0.0.0 all."
        raise SetupError(reason) from error


def reachable(host: str) -> str:
    """The name under which this machine reaches a server that listens on ``host``, for a URL."""
    if host in {"0.0.0.0", ""}:  # noqa: S104
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host
