"""Names and paths as people write them arrive as they are, and what a message tells to paste is accepted."""

import csv
import shlex
from pathlib import Path

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString

from polarity.config.compose import compose_jobs, resolved
from polarity.config.readable import readable
from polarity.errors import UserError
from polarity.quoting import as_word, in_quotes, overrides_of
from polarity.train import check
from tests.running import composed, overrides
from tests.verbs import said_by

SCRIPTS = ("ใช่", "да", "是", "हाँ", "نعم", "예", "für", "a b", "a:b", "it's", 'a"b', "a\\b", "a\\", "a,b", "{a}", "[a]")
NAMES = ("a(1).csv", "a=b.csv", "a#1.csv", "it's.csv", "Text (en)", "a[1].csv", "ü.csv", 'a"b.csv', "a\\", "a;b&c.csv")


def value_of(override: str) -> object:
    (job,) = compose_jobs("train", ["data=csv", override], config_dir=None, multirun=False)
    config, problems = resolved(job.config)
    assert not problems
    return config["data"]


@pytest.mark.parametrize("name", NAMES)
def test_a_path_needs_no_quotes(name: str) -> None:
    assert value_of(f"data.path={name}")["path"] == name  # type: ignore[index]


@pytest.mark.parametrize("name", [*sorted({*NAMES, *SCRIPTS}), "yes", "null", "1", "007", "1e3", " a "])
def test_a_name_in_quotes_arrives_as_it_is(name: str) -> None:
    assert value_of(f"data.path={in_quotes(name)}")["path"] == name  # type: ignore[index]
    classes = value_of(f"data.tasks={{t:[{as_word(name)},other]}}")["tasks"]["t"]  # type: ignore[index]
    assert classes == [name, "other"]


@pytest.mark.parametrize("name", [*sorted({*NAMES, *SCRIPTS, "a\\b"}), "null", "2024", "0", "007", "", " a "])
def test_values_given_from_python_arrive_as_they_are(name: str) -> None:
    given = {"runs": [name, Path(name)], "output": name, "margin": 0.02, "split": None}
    read = OverridesParser.create().parse_overrides(overrides_of(given))
    runs, output, margin, split = (override.value() for override in read)
    texts = [value.text if isinstance(value, QuotedString) else value for value in (*runs, output)]
    assert texts == [name, str(Path(name)), name]
    assert (margin, split) == (0.02, None)


@pytest.mark.parametrize("name", [*SCRIPTS, "2024", "1e3", "null", "true"])
def test_keys_given_from_python_arrive_as_they_are(name: str) -> None:
    (override,) = overrides_of({"data.tasks": {name: [name, "other"]}})
    assert value_of(override)["tasks"] == {name: [name, "other"]}  # type: ignore[index]


def test_numbers_of_numpy_are_those_of_python_and_what_is_no_setting_is_told_by_its_key() -> None:
    given = {"seed": np.int64(1), "margin": np.float32(0.5), "baselines": np.bool_(False), "tasks": [np.int8(2)]}
    assert overrides_of(given) == ["seed=1", "margin=0.5", "baselines=false", "tasks=[2]"]
    with pytest.raises(UserError) as refused:
        overrides_of({"seed": {1}, "margin": 1, "tasks": [np.arange(2)]})
    assert refused.value.problems == (
        "seed: must be a text, number or path, or a list or mapping of them, got {1}",
        "tasks: must be a text, number or path, or a list or mapping of them, got [array([0, 1])]",
    )


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble])
def test_a_number_of_numpy_has_the_digits_of_its_own_type(kind: type[np.floating]) -> None:
    given = {"a": kind("0.1"), "b": [kind("1e-4"), np.array("0.3", dtype=kind)], "c": {"d": kind("nan")}}
    assert overrides_of(given) == ["a=0.1", "b=[0.0001,0.3]", "c={d:NaN}"]


def test_a_comma_belongs_to_a_file_that_exists(tmp_path: Path) -> None:
    (tmp_path / "a,b.csv").touch()
    text = f"data.path={tmp_path / 'a,b.csv'}"
    assert value_of(text)["path"] == str(tmp_path / "a,b.csv")  # type: ignore[index]
    assert readable(text, multirun=True) == text


@pytest.mark.parametrize("name", SCRIPTS)
def test_any_class_can_be_a_key(name: str) -> None:
    quoted = in_quotes(name)
    mapping = composed("sampler=joint", f"sampler.boosts.opinion={{{quoted}: 2.0, other: 3}}")
    assert mapping["sampler"]["boosts"] == {"opinion": {name: 2.0, "other": 3}}
    if not set(name) & set(".,:=\"'\\[]{} "):
        assert composed("sampler=joint", f"sampler.boosts.opinion.{name}=2")["sampler"]["boosts"] == {
            "opinion": {name: 2}
        }


def test_a_key_beyond_ascii_is_reported_as_it_was_typed(tmp_path: Path) -> None:
    wrong = overrides(tmp_path, "sampler=joint", "sampler.boosts.tone.ใช่=2")
    with pytest.raises(UserError, match=r"sampler\.boosts\.tone\.ใช่: .*no such class"):
        check(wrong)
    (job,) = compose_jobs("train", wrong, config_dir=None, multirun=False)
    assert job.overrides[-1] == "sampler.boosts.tone.ใช่=2"


def test_a_flag_may_stand_between_overrides(tmp_path: Path) -> None:
    result = check([*overrides(tmp_path), "-m", "seed=1,2"])
    assert "-m" in result
    assert result[-1] == "seed=1,2"


VALUES = (
    [f"intent {number}" for number in range(25)],
    list(SCRIPTS),
    ["yes", "no", "null", "1", "2.0", "007"],
    ["a", "b"],
)


@pytest.mark.parametrize("values", VALUES, ids=lambda values: values[0])
def test_what_is_printed_to_paste_is_accepted(
    values: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Path("rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["0", "1", "label"])
        writer.writerows(
            [f"text {chr(97 + n % 26) * 9} {n}", ("x", "y")[n % 2], values[n % len(values)]] for n in range(500)
        )
    usual = ["data=csv", "data.path=rows.csv", 'data.text="0"', "data.leakage.near=allow", "~model", "labels=false"]
    usual += ["output=null", "data.split.near_duplicates_together=false"]
    said = said_by("inspect", *usual, 'data.tasks={label:{},other:{column:"1"}}', code=2)
    (line,) = [line for line in said.splitlines() if "all of them" in line]
    (pasted,) = shlex.split(line.split("all of them: ")[1])
    said_by("inspect", *usual, pasted)


@pytest.mark.parametrize("column", ["Annotator 1", "it's (a)", "für", "[x]"])
def test_a_column_that_cannot_name_a_task_is_given_apart(column: str, tmp_path: Path) -> None:
    """What the first refusal tells to paste leads to the second, which lists the column's values."""
    with (tmp_path / "c.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text", column], *([f"text number {n}", "yn"[n % 2]] for n in range(60))])
    usual = ["data=csv", f"data.path={tmp_path / 'c.csv'}"]
    with pytest.raises(UserError, match="cannot name a task") as refused:
        check([*usual, f"data.tasks=[{in_quotes(column)}]"])
    (line,) = [line for line in refused.value.problems if "for instance" in line]
    (pasted,) = shlex.split(line.split("for instance ")[1])
    with pytest.raises(UserError, match=r"name its classes.*'y' \(30 rows\)") as refused:
        check([*usual, pasted])
    assert len(refused.value.problems) == 1


def test_a_column_of_one_value_is_not_offered_as_a_task(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("text,label\n" + "".join(f"text {n},pos\n" for n in range(60)))
    with pytest.raises(UserError, match="no other value; a task needs at least two") as refused:
        check(["data=csv", f"data.path={tmp_path / 'one.csv'}", "data.tasks=[label]"])
    assert "for instance" not in str(refused.value)


def test_a_number_where_a_text_is_wanted_tells_how_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"""data\.text: must be a text, got 0; in double quotes.*'data\.text="0"'"""):
        check(overrides(tmp_path, "data.text=0"))


def test_a_link_to_nowhere_is_not_offered_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "broken.csv").symlink_to("nowhere/file.csv")
    with pytest.raises(UserError, match=r"is a symbolic link to nowhere/file\.csv, which does not exist") as refused:
        check(overrides(tmp_path, f"data.path={tmp_path / 'broken.csv'}"))
    assert "did you mean" not in str(refused.value)


def test_lists_of_folders_that_exist_are_read_whatever_their_names_hold(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("a[1]", "it's", "b(2)", "c{3}", "plain")]
    for name in names:
        Path(name).mkdir()
    text = readable(f"runs=[{', '.join(names)}]", multirun=False)
    assert OverridesParser.create().parse_override(text).value() == names
    nowhere = f"runs=[{names[0]},{tmp_path / 'nowhere'}]"
    assert readable(nowhere, multirun=False) == nowhere
