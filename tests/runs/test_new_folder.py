"""A finished run's folder takes its place whole, whoever else makes one at the same moment."""

from pathlib import Path

from polarity.runs.new_folder import new_folder


def test_two_at_the_same_moment_get_two_names(tmp_path: Path) -> None:
    with new_folder(tmp_path, {"seed": 0}, []) as first, new_folder(tmp_path, {"seed": 0}, []) as second:
        second.path = second.path.rename(second.path.with_name(first.path.name))
        (first.path / "which").write_text("first")
        (second.path / "which").write_text("second")
    assert first.path.name != second.path.name
    assert [(run.path.parent, (run.path / "which").read_text()) for run in (first, second)] == [
        (tmp_path, "first"),
        (tmp_path, "second"),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.path.name, second.path.name])
