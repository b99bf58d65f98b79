"""Whether the methods of a user's own class can be called as those are whose place they take."""

import inspect
from inspect import Parameter


def misfit(own: type, kind: type) -> str:
    """What is wrong with the first method that cannot be called as its kind's is; nothing, if all can.

    :param kind: the class of this project that ``own`` is derived from.
    """
    for name, method in inspect.getmembers(own, inspect.isfunction):
        theirs = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
        if name.startswith("__") or method is theirs or not inspect.isfunction(theirs):
            continue
        asked = inspect.signature(theirs).parameters.values()
        if any(one.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD) for one in asked):
            continue  # what it is called with is another class's business
        needed = [one for one in asked if one.default is Parameter.empty]
        by_name = {one.name: None for one in needed if one.kind is Parameter.KEYWORD_ONLY}
        try:
            inspect.signature(method).bind(*[None] * (len(needed) - len(by_name)), **by_name)
        except TypeError as error:
            names = ", ".join(one.name for one in needed)
            return f"cannot be used: its method {name} is called with ({names}): {error}; see docs/extending.md"
    return ""
