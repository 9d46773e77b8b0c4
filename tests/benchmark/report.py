# Copyright (c) 2026, the zstack.cloud contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run shows: a line for each figure, and with ``--write`` a table and a chart in the documentation."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..tree import ROOT
from .figures import Figure

GUIDE = ROOT / "docs" / "docsite" / "rst" / "performance.rst"
CHART = ROOT / "docs" / "images" / "performance.png"
_PICTURE = """.. image:: https://raw.githubusercontent.com/ansible-collections/zstack.cloud/main/docs/images/performance.png
   :alt: Chart: seconds added to an empty play, by number of backups, for four tasks with ansible.builtin.uri, the
     module, the module with limit: 1, and the same HTTP requests alone."""
_HEADERS = ("Measurement", "Result", "Interval", "Goal", "")


def line(figure: Figure) -> str:
    name, value, interval, goal, verdict = figure.row
    return f"{name:76} {value:>9} {interval:>16} {goal:>8} {verdict}".rstrip()


def write(figures: Sequence[Figure], machine: str) -> None:
    from tabulate import tabulate

    tables = []
    for title, chosen in (
        ("Goals", [figure for figure in figures if figure.goal is not None]),
        ("Times", [figure for figure in figures if figure.goal is None]),
    ):
        headers = _HEADERS if title == "Goals" else _HEADERS[:3]
        rows = [figure.row[: len(headers)] for figure in chosen]
        tables.append(tabulate(rows, headers, tablefmt="rst", disable_numparse=True))
    text = GUIDE.read_text(encoding="utf-8")
    goals, times = tables
    measured = f"\\1\n\n{_PICTURE}\n\n{machine}:\n\n{goals}\n\nWithout goals:\n\n{times}\n\n\\2"
    text = re.sub(r"(\.\. figures begin)\n.*\n(\.\. figures end)", measured, text, flags=re.DOTALL)
    GUIDE.write_text(text, encoding="utf-8")
    _draw(figures)


def _draw(figures: Sequence[Figure]) -> None:
    """Draw the seconds that one task adds to a play, by the number of backups."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    lines: dict[str, list[tuple[int, float]]] = {}
    for figure in figures:
        if figure.unit and (found := re.fullmatch(r"task, ([0-9,]+) backups, (.+)", figure.name)):
            lines.setdefault(found[2], []).append((int(found[1].replace(",", "")), figure.value))
    labels = {
        "peer": "four tasks with ansible.builtin.uri",
        "all": "zstack_db_backup_info",
        "limit: 1": "zstack_db_backup_info, limit: 1",
        "floor": "the same HTTP requests alone",
    }
    _figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for (name, label), marker in zip(labels.items(), "so^d"):
        axes.plot(*zip(*lines[name]), marker=marker, label=label)
    axes.set(xscale="log", yscale="log", xlabel="backups on the storage", ylabel="seconds added to an empty play")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    axes.legend()
    pyplot.savefig(CHART, dpi=120)
