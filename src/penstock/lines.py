"""Text of others on one line of ours."""

from __future__ import annotations

import re

# What a terminal obeys instead of showing (ECMA-48 §5), what ends a line (Unicode Standard Annex
# 14, BK), what turns its direction (UAX 9 §2), and what UTF-8 cannot write.
_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(text: str) -> str:
    r"""Return *text* with each character that could end its line or steer a terminal spelled out.

    `\n` becomes a backslash and an `n`, ESC becomes `\x1b`: whoever reads a log sees what came,
    and nobody who is quoted there can write a line of their own.

    Args:
        text: Any text that is not ours, such as a server's.
    """
    return _ODD.sub(lambda match: repr(match.group())[1:-1], text)
