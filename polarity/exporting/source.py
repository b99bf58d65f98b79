"""The text of ``modeling.py``: the classifier's code and what it is made of, in one file that imports no polarity."""

import ast
import importlib
import importlib.util
import inspect
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from polarity.errors import UserError
from polarity.exporting import modeling
from polarity.models.pooling import Pooling

CODE = "modeling.py"
THERE = {*sys.stdlib_module_names, "torch", "transformers", "safetensors", "numpy"}
"""Packages that whoever uses an exported folder has."""

Definition = ast.ClassDef | ast.FunctionDef | ast.Assign | ast.AnnAssign


@dataclass
class Collected:
    """Definitions that have been found necessary, each after those it needs, and the imports of all of them."""

    imports: set[str] = field(default_factory=set)
    definitions: list[str] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def add(self, module: ModuleType, name: str) -> None:
        """A definition at the top of a module, with all that it names.

        :raises UserError: if it needs a package that is not there where the folder is used.
        """
        if (module.__name__, name) in self.seen:
            return
        self.seen.add((module.__name__, name))
        text = inspect.getsource(module)
        for statement in ast.parse(text).body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self.imported(statement, name, module)
            elif isinstance(statement, Definition) and name in _defined(statement):
                needed = {node.id for node in ast.walk(_without_hints(statement)) if isinstance(node, ast.Name)}
                for other in sorted(needed - {name}):
                    self.add(module, other)
                self.definitions.append(_text(text, statement))

    def imported(self, statement: ast.Import | ast.ImportFrom, name: str, module: ModuleType) -> None:
        """What a module imports under a name: its code where it is this project's, else the import itself."""
        source = statement.module if isinstance(statement, ast.ImportFrom) else None
        for alias in statement.names:
            if (alias.asname or alias.name.partition(".")[0]) != name:
                continue
            package = (source or alias.name).partition(".")[0]
            if package == "polarity" and source is not None:
                self.add(importlib.import_module(source), alias.name)
            elif package not in THERE or (isinstance(statement, ast.ImportFrom) and statement.level > 0):
                raise UserError(
                    f"format: the code of {module.__name__} needs {source or alias.name}, which is not there where an "
                    "exported folder is used; it may use torch, transformers and definitions of its own file"
                )
            else:
                one = ast.ImportFrom(source, [alias], 0) if source is not None else ast.Import([alias])
                self.imports.add(ast.unparse(one))


def modeling_source(pooling: type[Pooling]) -> str:
    """The text of the file for a model with this pooling.

    :raises UserError: if the pooling's code cannot be copied.
    """
    text, collected = inspect.getsource(modeling), Collected()
    tree = ast.parse(text)
    imported = [item for item in tree.body if isinstance(item, ast.Import | ast.ImportFrom)]
    for statement in imported:
        for alias in statement.names:
            collected.imported(statement, alias.asname or alias.name, modeling)
    collected.add(importlib.import_module(pooling.__module__), pooling.__qualname__)
    lines = text.splitlines()
    docstring = "\n".join(lines[: tree.body[0].end_lineno])
    rest = "\n".join(lines[imported[-1].end_lineno or 0 :]).strip("\n")
    imports = ["from __future__ import annotations", *sorted(collected.imports)]
    return "\n\n".join([docstring, "\n".join(imports), *(f"\n{part}" for part in collected.definitions), f"\n{rest}\n"])


def load_exported(folder: Path) -> Any:
    """The model of an exported folder by the folder's own code, in evaluation mode, on the CPU."""
    spec = importlib.util.spec_from_file_location("exported_modeling", folder / CODE)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load(folder)


def _defined(statement: Definition) -> set[str]:
    if isinstance(statement, ast.ClassDef | ast.FunctionDef):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}


class _WithoutHints(ast.NodeTransformer):
    """Annotations are not evaluated in the exported file, so what they name is not needed there."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)


def _without_hints(statement: Definition) -> ast.AST:
    copy: ast.AST = _WithoutHints().visit(ast.parse(ast.unparse(statement)))
    return copy


def _text(text: str, statement: Definition) -> str:
    first = min([statement.lineno, *(item.lineno for item in getattr(statement, "decorator_list", []))])
    return "\n".join(text.splitlines()[first - 1 : statement.end_lineno])
