"""The help of training: every setting at the root, every group and its presets, where their settings are explained."""

from polarity.config.overrides import BASE_MARK, COLLECTIONS, NESTED
from polarity.config.sections import SECTIONS
from polarity.paths import conf_dir


def training_help() -> str:
    """What ``python -m polarity.train --help`` prints."""
    root = (conf_dir() / "train.yaml").read_text(encoding="utf-8").rstrip()
    groups = [*SECTIONS, *NESTED, *COLLECTIONS, "experiment", "debug", "search"]
    width = max(map(len, groups))
    presets = [f"  {group:<{width}}  {', '.join(_presets(group))}" for group in groups]
    return "\n".join([
        root,
        "",
        "# Presets: GROUP=PRESET chooses one, GROUP.SETTING=VALUE changes it. Each explains its settings in",
        f"# {conf_dir()}/GROUP/PRESET.yaml; with --cfg job the whole configuration is printed instead of run.",
        *presets,
    ])  # fmt: skip


def _presets(group: str) -> list[str]:
    found = sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))
    return [name for name in found if not name.startswith(BASE_MARK)]
