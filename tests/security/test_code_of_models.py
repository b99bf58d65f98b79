"""Code that comes with a model is never run, and nobody is ever asked on standard input whether it shall be."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from polarity.errors import UserError
from polarity.models import load_model, save_model
from polarity.models.huggingface.families import usable_attention
from polarity.models.huggingface.loading import load_config, load_tokenizer
from polarity.paths import conf_dir
from tests.command import PATIENCE, start
from tests.running import overrides
from tests.tiny import save_tiny_encoder, tiny_classifier, tiny_reader

PACKAGE = conf_dir().parent / "polarity"
EVIL = "from pathlib import Path\nPath({mark!r}).touch()\nclass Config: pass\nclass Model: pass\n"
ASKS = ("from_pretrained", "from_config")


def with_own_code(folder: Path, *, model_type: str, file: str = "config.json") -> Path:
    """An encoder whose files name code that lies beside them; the code leaves a mark."""
    (folder / "evil.py").write_text(EVIL.format(mark=str(folder / "mark")))
    content = json.loads((folder / file).read_text())
    named = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model", "AutoTokenizer": ["evil.Model", "evil.Model"]}
    content |= {"auto_map": named, "tokenizer_class": "Model"}
    if file == "config.json":
        content["model_type"] = model_type
    (folder / file).write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("model_type", ["bert", "of_its_own"])
@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_an_encoder_with_code_of_its_own_is_refused(tmp_path: Path, model_type: str, file: str) -> None:
    folder = with_own_code(save_tiny_encoder(tmp_path / "encoder"), model_type=model_type, file=file)
    for load in (load_config, load_tokenizer):
        with pytest.raises(UserError, match=r"names code that comes with the model \(auto_map\).*never run"):
            load(str(folder), None)
    assert not (folder / "mark").exists()


def test_so_is_one_that_names_it_in_other_letters(tmp_path: Path) -> None:
    folder = with_own_code(save_tiny_encoder(tmp_path / "encoder"), model_type="bert", file="tokenizer_config.json")
    path = folder / "tokenizer_config.json"
    path.write_text(path.read_text().replace("auto_map", "aut\\u006F_map"))
    assert "auto_map" in json.loads(path.read_text())
    with pytest.raises(UserError, match="never run"):
        load_tokenizer(str(folder), None)


def test_so_is_a_saved_model_to_which_code_was_added(tmp_path: Path) -> None:
    save_model(tiny_classifier(), tiny_reader(), tmp_path / "model")
    folder = with_own_code(tmp_path / "model", model_type="bert", file="tokenizer_config.json")
    with pytest.raises(UserError, match="never run"):
        load_model(folder)
    assert not (folder / "mark").exists()


def test_a_kernel_of_the_hub_is_no_kind_of_attention(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not valid"):
        usable_attention("somebody/kernel")  # type: ignore[arg-type]
    save_model(tiny_classifier(), tiny_reader(), tmp_path / "model")
    card = json.loads((tmp_path / "model" / "polarity.json").read_text())
    (tmp_path / "model" / "polarity.json").write_text(json.dumps(card | {"attention": "somebody/kernel"}))
    with pytest.raises(UserError, match="'somebody/kernel' is not valid"):
        load_model(tmp_path / "model")


@pytest.mark.slow
def test_training_asks_nothing_although_somebody_would_answer(tmp_path: Path) -> None:
    arguments = overrides(tmp_path)
    folder = with_own_code(tmp_path / "encoder-bert", model_type="of_its_own")
    process = start("train", *arguments, folder=tmp_path, stdin=-1)
    said, _ = process.communicate("y\n" * 20, timeout=PATIENCE)
    assert process.returncode == 2, said
    assert "never run" in said
    assert "[y/N]" not in said
    assert not (folder / "mark").exists()


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]


def name_of(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def test_every_call_that_could_run_code_of_a_model_says_no() -> None:
    collected: list[Any] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for call in calls(path):
            if name_of(call) in ASKS and ast.unparse(call.func).startswith("Auto"):
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
                spread = "settings" in {ast.unparse(item.value) for item in call.keywords if item.arg is None}
                text = path.read_text(encoding="utf-8")
                denied = given.get("trust_remote_code") == "False" or (spread and '"trust_remote_code": False' in text)
                collected.append((path.name, call.lineno, denied))
    assert len(collected) >= 6
    assert [item for item in collected if not item[2]] == []


def test_nothing_asks_or_unpickles() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        for call in calls(path):
            text = ast.unparse(call)
            assert name_of(call) not in ("input", "getpass"), f"{path}:{call.lineno}"
            assert not text.startswith(("pickle.", "joblib.", "yaml.load(", "yaml.unsafe_load(")), (
                f"{path}:{call.lineno}"
            )
            if text.startswith("torch.load("):
                assert "weights_only=True" in text, f"{path}:{call.lineno}"
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            if name_of(call) == "load_checkpoint" or "ckpt_path" in given:
                assert "weights_only" in given, f"{path}:{call.lineno}"
            assert given.get("weights_only", "True") == "True", f"{path}:{call.lineno}"
            if text.startswith("np.load("):
                assert "allow_pickle=False" in text, f"{path}:{call.lineno}"
