"""The waterfalls as an SVG picture, for the README."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from penstock.cli.drawing import legend
from penstock.cli.lines import rich_console, rich_text
from penstock.cli.pages import waterfalls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.demo.run import Played

_WIDTH = 100


def picture(played: Sequence[Played]) -> str:
    """Return the waterfalls of some calls as an SVG document that loads nothing from elsewhere."""
    console = rich_console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    for line in [legend(), *waterfalls(played, _WIDTH)]:
        console.print(rich_text(line), soft_wrap=True)
    svg: str = console.export_svg(title="penstock demo", unique_id="penstock")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
