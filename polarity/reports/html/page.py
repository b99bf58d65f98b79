"""From a template and its content to one page that needs no other file and asks nobody for anything."""

import base64
import hashlib
import re
import shlex
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import polarity
from polarity.files import write_text
from polarity.reports.html import charts, numbers
from polarity.reports.html.text import replace_forbidden
from polarity.wording import times

_TEMPLATES = files("polarity.reports.html") / "templates"


def write_page(path: Path, template: str, **content: object) -> Path:
    """Render a template of this package and write the page whole or not at all."""
    write_text(path, render(template, **content))
    return path


def render(template: str, **content: object) -> str:
    """The page as text. Everything in ``content`` that is not markup is escaped."""
    return replace_forbidden(jinja_environment().get_template(template).render(**content))


@cache
def jinja_environment() -> Environment:
    """Jinja with the reports' filters; a name that a template misspells is an error."""
    made = Environment(
        loader=PackageLoader("polarity.reports.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    written = (
        "figures",
        "signed",
        "interval",
        "count",
        "share",
        "probability",
        "duration",
        "moment",
        "sentence",
    )
    made.filters.update({name: getattr(numbers, name) for name in written}, times=times, score=numbers.score_text)
    made.filters["word"] = shlex.quote
    made.globals.update({name: getattr(charts, name) for name in charts.__all__})
    script = _source("script.js")
    made.globals.update(
        style=Markup(style()),  # noqa: S704 - both are files of this package
        script=Markup(script),  # noqa: S704
        policy=policy(script),
        version=polarity.__version__,
    )
    return made


def style() -> str:
    """The style sheet: dark as the system or the reader wishes, and light on paper in any case."""
    light, dark = _source("light.css"), _source("dark.css")
    system = f'@media screen and (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{\n{dark}}} }}'
    chosen = f'@media screen {{ :root[data-theme="dark"] {{\n{dark}}} }}'
    return f":root {{\n{light}}}\n{system}\n{chosen}\n{_source('charts.css')}\n{_source('style.css')}"


def chart_style() -> str:
    """The charts' rules in light colours, without variables, which not every program that opens SVG knows."""
    rules = _source("charts.css")
    values = dict(re.findall(r"--([\w-]+):\s*([^;]+);", rules + _source("light.css")))
    drawn = rules.partition("}\n")[2]  # what follows the block of variables
    return re.sub(r"var\(--([\w-]+)\)", lambda found: values[found[1]], drawn)


def policy(script: str) -> str:
    """What the page may do: nothing but to run its own script, so that not even a fault of ours could run another."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rules = ["default-src 'none'", "style-src 'unsafe-inline'", f"script-src 'sha256-{digest}'", "base-uri 'none'"]
    return "; ".join([*rules, "form-action 'none'"])


def _source(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
