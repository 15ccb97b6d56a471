"""What no logger tells, as JSON like the rest of the log: warnings, errors that nobody caught, and
what libraries print.

For the processes that serve; a command for people speaks to people. It works before Django is set
up, because that may be what fails.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from types import TracebackType
from typing import TextIO

from django.core.exceptions import ImproperlyConfigured

from portal.home import EmbeddedError
from tenants.logs import JsonFormatter

log = logging.getLogger("portal.uncaught")


def listen() -> None:
    """From now on stderr gets JSON alone, also of what goes wrong before the settings are read."""
    sys.stderr = Stray(sys.stderr)
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    sys.excepthook = _tell
    threading.excepthook = lambda args: _tell(args.exc_type, args.exc_value, args.exc_traceback)


class Stray(io.TextIOBase):
    """A stream whose lines are JSON: those of the log as they are, what others print wrapped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._rest = stream, ""
        self._lock = threading.RLock()
        self._formatter = JsonFormatter()

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
            for line in filter(str.strip, lines):
                self._stream.write(f"{line if line.startswith('{') else self._wrapped(line)}\n")
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def _wrapped(self, line: str) -> str:
        record = logging.LogRecord("portal.stray", logging.INFO, "", 0, line, None, None)
        return self._formatter.format(record)


def _tell(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    if error is not None and not issubclass(kind, KeyboardInterrupt):
        tell(error)


def tell(error: BaseException) -> None:
    """One line; what a setting or our own servers lack is told in words, which hold no secret."""
    known = isinstance(error, ImproperlyConfigured | EmbeddedError)
    facts = {"reason": str(error)} if known else {}
    log.critical("uncaught", exc_info=error, extra={"facts": facts})
