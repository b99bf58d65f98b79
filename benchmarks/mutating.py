"""Small faults of one piece of code, one at a time: swapped arguments, another comparison, a number off by one."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.In: "not in", ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
}  # fmt: skip
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "*", ast.Pow: "*",
    ast.BitAnd: "|", ast.BitOr: "&",
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}
TEXTS = (ast.JoinedStr, ast.Assert, ast.Import, ast.ImportFrom)
SYMMETRIC = {"isinstance", "min", "max", "np.minimum", "np.maximum", "np.hypot", "torch.minimum", "torch.maximum"}
"""Functions of two arguments that are the same in either order, or would not run."""
TYPES = {"annotation", "returns", "decorator_list", "bases"}
Change = tuple[ast.expr | ast.stmt, str] | tuple[ast.expr | ast.stmt, str, str]
"""A node, what takes its place, and what that is called if it takes many words."""


@dataclass(frozen=True)
class Mutant:
    """One fault.

    :param where: class and function that it is in.
    :param line: number of the line, from 1.
    :param code: the line as it was.
    :param fault: what was done to it.
    :param source: the whole file with the fault.
    """

    where: str
    line: int
    code: str
    fault: str
    source: str

    @property
    def key(self) -> str:
        """Names the fault wherever its line moves to."""
        return f"{self.where or 'module'}: `{self.code}`: {self.fault}"


def mutants(source: str) -> list[Mutant]:
    """All faults of a file that this module can make, each once, in the order of its lines.

    Left alone is what says something to people (docstrings, messages, formatted strings, ``__repr__``) and what the
    type checker knows better (annotations, imports, assertions).
    """
    result = _Faults(source).of(ast.parse(source), ())
    return sorted({mutant.source: mutant for mutant in result}.values(), key=lambda mutant: mutant.line)


class _Faults:
    def __init__(self, source: str) -> None:
        self.source = source.encode()
        self.lines = self.source.splitlines(keepends=True)

    def of(self, node: ast.AST, where: tuple[str, ...]) -> Iterator[Mutant]:
        """Faults in a node and all that it holds."""
        if isinstance(node, TEXTS) or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            return
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            where = (*where, node.name)
            if node.name in {"__repr__", "__str__"}:
                return
        for old, new, *fault in _changes(node):
            if not (where[-1:] == ("__init__",) and isinstance(old, ast.Assign)):  # else it would not run at all
                yield self._mutant(old, new, where, *fault)
        for child in _children(node):
            yield from self.of(child, where)

    def _mutant(self, old: ast.expr | ast.stmt, new: str, where: tuple[str, ...], fault: str = "") -> Mutant:
        start = self._offset(old.lineno, old.col_offset)
        end = self._offset(old.end_lineno or 0, old.end_col_offset or 0)
        replaced = f"({new})" if isinstance(old, ast.expr) else new
        changed = (self.source[:start] + replaced.encode() + self.source[end:]).decode()
        fault = fault or ("removed" if new == "pass" else f"`{ast.unparse(old)}` to `{new}`")
        return Mutant(".".join(where), old.lineno, self.lines[old.lineno - 1].decode().strip(), fault, changed)

    def _offset(self, line: int, column: int) -> int:
        return sum(map(len, self.lines[: line - 1])) + column


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What faults are looked for in: not types, nor what is raised, nor the order of indices, which would not run.

    Nor ``strict=True``, which is an assertion.
    """
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Annotated"):
        return
    if isinstance(node, ast.ClassDef):
        yield from node.body  # its keywords, like ``total=False``, are for the type checker
        return
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
        yield from (node.value, *node.slice.elts)
        return
    for name, value in ast.iter_fields(node):
        if name not in TYPES and not (isinstance(node, ast.keyword) and node.arg == "strict"):
            yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, ast.AST))


def _changes(node: ast.AST) -> Iterator[Change]:
    """What can be changed at this node."""
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            yield node, f"{ast.unparse(left)} {COMPARISONS[type(operator)]} {ast.unparse(right)}"
        case ast.BinOp(op=ast.Div(), right=ast.JoinedStr() | ast.Constant(value=str())):
            return  # a path
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            yield node, f"({ast.unparse(left)}) {OPERATORS[type(op)]} ({ast.unparse(right)})"
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=operand):
            yield node, ast.unparse(operand)
        case ast.Constant(value=bool(value)):
            yield node, str(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield node, str(value + 1 if isinstance(value, int) or value == 0 else value * 2)
        case ast.Call():
            yield from _called(node)
        case ast.Tuple(elts=[first, second], ctx=ast.Load()) if ast.unparse(first) != ast.unparse(second):
            yield node, f"{ast.unparse(second)}, {ast.unparse(first)}"
        case _:
            yield from _statements(node)


def _statements(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise():
            yield node, "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield node, "pass"
        case ast.BoolOp(op=op, values=values):
            word = " or " if isinstance(op, ast.And) else " and "
            yield node, word.join(f"({ast.unparse(value)})" for value in values)
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            yield from _negated([test])
        case ast.comprehension(ifs=tests):
            yield from _negated(tests)


def _called(node: ast.Call) -> Iterator[Change]:
    """Two positional arguments swapped, or two neighbours by name, or the contrary called."""
    function, values, named = node.func, node.args, node.keywords
    if len(values) > 1 and swappable(function, values[:2]):
        swapped = ast.Call(function, [values[1], values[0], *values[2:]], named)
        yield node, ast.unparse(swapped), f"the first two arguments of `{ast.unparse(function)}` swapped"
    for place, (one, other) in enumerate(pairwise(named)):
        if one.arg and other.arg and ast.unparse(one.value) != ast.unparse(other.value):
            pair = [ast.keyword(one.arg, other.value), ast.keyword(other.arg, one.value)]
            swapped = ast.Call(function, values, [*named[:place], *pair, *named[place + 2 :]])
            yield node, ast.unparse(swapped), f"`{one.arg}` and `{other.arg}` swapped"
    if isinstance(function, ast.Name | ast.Attribute):
        name = function.id if isinstance(function, ast.Name) else function.attr
        if name in NAMES:
            yield function, ast.unparse(function).removesuffix(name) + NAMES[name]


def swappable(function: ast.expr, pair: list[ast.expr]) -> bool:
    """Whether it would run, and make a difference."""
    first, second = pair
    starred = isinstance(first, ast.Starred) or isinstance(second, ast.Starred)
    return not starred and ast.unparse(function) not in SYMMETRIC and ast.unparse(first) != ast.unparse(second)


def _negated(tests: list[ast.expr]) -> Iterator[Change]:
    """Only conditions that no other fault changes."""
    for test in tests:
        if not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp):
            yield test, f"not ({ast.unparse(test)})"
