"""Which faults are made of a piece of code."""

import ast
import json

import pytest
import yaml

from benchmarks.mutant_table import survivors, table
from benchmarks.mutant_trial import ROOT
from benchmarks.mutants import PARTS, REASONS, RECORD, RESULTS
from benchmarks.mutating import mutants


@pytest.mark.parametrize(
    ("code", "faults"),
    [
        ("a < b", {"a <= b"}),
        ("a is None", {"a is not None"}),
        ("a + b * c", {"(a) - (b * c)", "a + ((b) / (c))"}),
        ("a and b or c", {"(a and b) and (c)", "(a or b) or c"}),
        ("not a", {"a"}),
        ("x = 3", {"x = 4"}),
        ("x = 0.5", {"x = 1.0"}),
        ("x = True", {"x = False"}),
        ("x = f(a, b)", {"x = f(b, a)"}),
        ("x = f(*a, b)", set()),
        ("x = f(a=c, b=d)", {"x = f(a=d, b=c)"}),
        ("x = f(a=c, b=c)", set()),
        ("x = np.minimum(a)", {"x = np.maximum(a)"}),
        ("x = a, b", {"x = (b, a)"}),
        ("x = a[b, c]", set()),
        ("x = a, a", set()),
        ("x = f(a, a)", set()),
        ("x = isinstance(a, b)", set()),
        ("x = max(a, b)", {"x = min(a, b)"}),
        ("class A(B, total=False):\n    x = 3", {"class A(B, total=False):\n    x = 4"}),
        ("x = zip(a, b, strict=True)", {"x = zip(b, a, strict=True)"}),
        ("x = Annotated[int, Field(ge=1)]", set()),
        ("x = path / 'a' / f'{b}'", set()),
        ("f(a)", {"pass"}),
        ("a.b = c", {"pass"}),
        ("a += b", {"pass"}),
        ("raise E(f(a, b), 1 < 2)", {"pass"}),
        ("x = [a for a in b if a]", {"x = [a for a in b if not a]"}),
        ("if a:\n    b", {"if not a:\n    b"}),
        ('x = f"{a + 1}"', set()),
        ("def f(a: A[1] = 1) -> B[2]:\n    '''1 + 1'''", {"def f(a: A[1]=2) -> B[2]:\n    '''1 + 1'''"}),
        ("def __repr__():\n    return 1", set()),
        ("class A:\n    def __init__(a):\n        a.b = c", set()),
        ("assert a < 1", set()),
        ("'ä'; x = 'ö' < 1", {"'ä'; x = 'ö' <= 1", "'ä'; x = 'ö' < 2"}),
    ],
)
def test_faults(code: str, faults: set[str]) -> None:
    wanted = {ast.unparse(ast.parse(fault)) for fault in faults}
    assert {ast.unparse(ast.parse(mutant.source)) for mutant in mutants(code)} == wanted


def test_a_fault_is_named_without_its_line() -> None:
    one, other = (
        mutants(f"{before}class A:\n    def f(a):\n        return a < 1  # why\n") for before in ("", "b\n\n")
    )
    assert [mutant.key for mutant in one] == [mutant.key for mutant in other]
    assert one[0].key == "A.f: `return a < 1  # why`: `a < 1` to `a <= 1`"
    assert (one[0].line, other[0].line) == (3, 5)


def test_each_part_is_there() -> None:
    for part in yaml.safe_load(PARTS.read_text("utf-8")).values():
        assert all(
            list(ROOT.glob(name)) for name in (*part["code"], *(test.partition("::")[0] for test in part["tests"]))
        )


def test_the_table_counts_by_part_and_names_what_was_not_noticed() -> None:
    parts = {"a": {"a: x": "test_a", "a: y": ""}, "b": {"b: z": ""}}
    result = table({"seed": 3, "machine": {"cores": 2}, "parts": parts}, {"a: y": "Equal."})
    assert "| a | 2 | 1 | 50 |\n| b | 1 | 0 | 0 |\n| all | 3 | 1 | 33 |" in result
    assert "* a: y. Equal.\n* b: z. **Not explained.**" in result


def test_nine_of_ten_faults_are_noticed_and_the_others_have_a_reason() -> None:
    parts = json.loads(RECORD.read_text("utf-8"))["parts"]
    reasons = yaml.safe_load(REASONS.read_text("utf-8"))
    unnoticed = survivors(parts)
    assert [key for key in unnoticed if key not in reasons] == []
    assert len(unnoticed) <= 0.1 * sum(map(len, parts.values()))
    assert RESULTS.read_text("utf-8") == table(json.loads(RECORD.read_text("utf-8")), reasons)
