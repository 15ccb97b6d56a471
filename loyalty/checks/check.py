from __future__ import annotations

from typing import NamedTuple


class Check(NamedTuple):
    """`kind` names what is wrong, `sentence` tells it with the figures of a row. The statement
    knows %(tenant)s, and %(at)s, before which what time has done may not be written yet.
    """

    kind: str
    sentence: str
    query: str
