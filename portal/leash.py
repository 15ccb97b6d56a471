"""python -m portal.leash LOCK COMMAND: run COMMAND while the holder of LOCK lives, and no longer.

The holder has an exclusive lock on the file LOCK. We wait for a shared one: to get it means that
the holder is gone, by kill -9 even, so nothing is left behind to occupy the port. Until COMMAND has
ended we also keep the databases up, and we end whatever it started and left.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from portal.embedded import Services

GRACE = 10  # seconds to end in good order, when told so for the last time


def main(lock: Path, command: str) -> None:
    services = Services().hold()
    leash = Leash(command)
    threading.Thread(target=leash.watch, args=(lock,), daemon=True).start()
    status = leash.child.wait()
    # We lead a process group of our own (portal.crew starts us so): it holds only what we started.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    services.release()
    if leash.holder_is_gone:
        os.killpg(0, signal.SIGKILL)
    os._exit(status if status >= 0 else 128 - status)  # at once, the watching thread never ends


class Leash:
    def __init__(self, command: str) -> None:
        self.holder_is_gone = False
        self.child = subprocess.Popen(["/bin/sh", "-c", f"exec {command}"])
        signal.signal(signal.SIGTERM, lambda *_: self.child.terminate())
        signal.signal(signal.SIGHUP, lambda *_: self.child.send_signal(signal.SIGHUP))

    def watch(self, path: Path) -> None:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            self.holder_is_gone = True
            self.child.terminate()
            try:
                self.child.wait(GRACE)
            except subprocess.TimeoutExpired:
                self.child.kill()
            threading.Event().wait()  # keep the lock until we end: a new `up` waits for that


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
