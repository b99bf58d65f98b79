"""The table of ``make mutants``."""

from collections.abc import Mapping
from typing import Any


def survivors(parts: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Faults that no test has noticed."""
    return [key for tried in parts.values() for key, said in tried.items() if not said]


def table(record: Mapping[str, Any], reasons: Mapping[str, str]) -> str:
    """Noticed faults by part, and every other one with its reason, in Markdown.

    :param record: seed and machine, and by part and fault the first test that failed; empty if all passed.
    :param reasons: by fault, why no test notices it.
    """
    parts: dict[str, dict[str, str]] = record["parts"]
    lines = [
        "# Faults that the tests notice",
        "",
        "Small faults, put into the code one at a time (swapped arguments, another comparison or operator, a number",
        "off by one, a condition turned round, a statement left out); the tests beside the code are run with each.",
        f"`make mutants` draws them with seed {record['seed']} and writes this file; which test notices which, and all",
        "that were tried, is in `mutants.json`.",
        "",
        f"Machine: {', '.join(f'{name} {value}' for name, value in record['machine'].items())}.",
        "",
        "| part | faults | noticed | per cent |",
        "|---|---|---|---|",
    ]
    whole = {key: said for tried in parts.values() for key, said in tried.items()}
    for part, tried in [*parts.items(), ("all", whole)]:
        noticed = sum(map(bool, tried.values()))
        share = f"{100 * noticed / len(tried):.0f}" if tried else "not tried yet"
        lines.append(f"| {part} | {len(tried)} | {noticed} | {share} |")
    lines += ["", "## Not noticed", ""] if survivors(parts) else []
    lines += [f"* {key}. {reasons.get(key, '**Not explained.**')}" for key in survivors(parts)]
    return "\n".join(lines) + "\n"
