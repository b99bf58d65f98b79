"""The table of ``make mutants``."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.machine import machine


@dataclass(frozen=True)
class Outcome:
    """What became of one fault.

    :param part: of the code, as ``benchmarks/mutants.yaml`` calls it.
    :param said: the first test that failed; empty if all passed.
    :param reason: why no test notices it, for one that none did.
    """

    part: str
    key: str
    said: str
    reason: str | None

    @property
    def killed(self) -> bool:
        """Whether a test has noticed it."""
        return bool(self.said)


def table(outcomes: Sequence[Outcome], *, seed: int) -> str:
    """Killed faults by part, and every survivor with its reason, in Markdown."""
    parts = list(dict.fromkeys(outcome.part for outcome in outcomes))
    lines = [
        "# Faults that the tests notice",
        "",
        "Small faults, put into the code one at a time (swapped arguments, another comparison or operator, a number",
        "off by one, a condition turned round, a statement left out); the tests beside the code are run with each.",
        f"`make mutants` draws them with seed {seed} and writes this file.",
        "",
        f"Machine: {', '.join(f'{name} {value}' for name, value in machine('pytest', 'torch').items())}.",
        "",
        "| part | faults | noticed | per cent |",
        "|---|---|---|---|",
    ]
    for part in [*parts, "all"]:
        those = [outcome for outcome in outcomes if part in (outcome.part, "all")]
        killed = sum(outcome.killed for outcome in those)
        lines.append(f"| {part} | {len(those)} | {killed} | {100 * killed / len(those):.0f} |")
    survivors = [outcome for outcome in outcomes if not outcome.killed]
    lines += ["", "## Not noticed", ""] if survivors else []
    lines += [f"* {outcome.key}. {outcome.reason or '**Not explained.**'}" for outcome in survivors]
    return "\n".join(lines) + "\n"
