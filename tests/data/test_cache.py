"""A cache folder is whole or rebuilt, whatever happens to it."""

import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from polarity.data.cache import MANIFEST, _fingerprint, built_once, cached_arrays
from polarity.errors import UserError
from tests.command import PATIENCE

ARRAYS = {"numbers": np.arange(1000, dtype=np.int32), "flags": np.array([True, False])}


class Builder:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.calls += 1
        return ARRAYS


def check(arrays: dict[str, np.ndarray]) -> None:
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_it_is_built_once_and_then_mapped(tmp_path: Path) -> None:
    builder = Builder()
    for _ in range(3):
        arrays = cached_arrays(tmp_path / "deep" / "key", builder)
        check(arrays)
        assert isinstance(arrays["numbers"], np.memmap)
        assert not arrays["numbers"].flags.writeable
    assert builder.calls == 1
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["key"]


def truncate(folder: Path) -> None:
    os.truncate(folder / "numbers.npy", 500)


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / "numbers.npy").read_bytes())
    content[-1] ^= 1
    (folder / "numbers.npy").write_bytes(content)


def lose_a_file(folder: Path) -> None:
    (folder / "flags.npy").unlink()


def lose_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def cut_the_manifest(folder: Path) -> None:
    os.truncate(folder / MANIFEST, 30)


def odd_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text("[1, 2]")


def odd_files(folder: Path) -> None:
    (folder / MANIFEST).write_text(json.dumps({"folder": folder.name, "files": None}))


def empty_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def a_file_in_its_place(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not a folder")


def a_foreign_folder(folder: Path) -> None:
    cached_arrays(folder.with_name("other"), lambda: {"numbers": np.arange(3), "flags": np.zeros(2, bool)})
    shutil.rmtree(folder)
    folder.with_name("other").rename(folder)


def an_archive(folder: Path) -> None:
    """Numpy would open it as something else than an array, and the manifest knows its checksum."""
    with (folder / "numbers.npy").open("wb") as file:
        np.savez(file, numbers=ARRAYS["numbers"])
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"]["numbers.npy"] = _fingerprint(folder / "numbers.npy")
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "damage",
    [
        an_archive,
        truncate,
        flip_a_bit,
        lose_a_file,
        lose_the_manifest,
        cut_the_manifest,
        odd_manifest,
        odd_files,
        empty_folder,
        a_file_in_its_place,
        a_foreign_folder,
    ],
)
def test_damage_is_noticed_and_mended(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    builder = Builder()
    folder = tmp_path / "key"
    cached_arrays(folder, builder)
    damage(folder)
    check(cached_arrays(folder, builder))
    assert builder.calls == 2
    check(cached_arrays(folder, builder))
    assert builder.calls == 2
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_reader_keeps_its_arrays_while_the_folder_is_mended(tmp_path: Path) -> None:
    arrays = cached_arrays(tmp_path / "key", Builder())
    lose_the_manifest(tmp_path / "key")
    cached_arrays(tmp_path / "key", Builder())
    check(arrays)


def test_a_failed_build_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail() -> dict[str, np.ndarray]:
        return {"numbers": ARRAYS["numbers"], "objects": np.array([object()])}

    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        cached_arrays(tmp_path / "key", fail)
    assert not list(tmp_path.iterdir())


def test_another_builder_may_be_faster(tmp_path: Path) -> None:
    """While this one builds, another process puts a whole folder into place."""
    folder = tmp_path / "key"

    def build_slowly() -> dict[str, np.ndarray]:
        cached_arrays(folder, Builder())
        return ARRAYS

    check(cached_arrays(folder, build_slowly))
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_folder_that_is_damaged_again_and_again_does_not_stop_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("polarity.data.cache._read", lambda _: None)
    builder = Builder()
    check(cached_arrays(tmp_path / "key", builder))
    assert builder.calls == 1
    assert "is being changed" in caplog.text


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="the cache cannot be written"):
        cached_arrays(tmp_path / "file" / "key", Builder())


def test_what_takes_long_is_read_where_its_lock_is_another_users(tmp_path: Path) -> None:
    builder = Builder()
    for _ in range(2):
        check(built_once(tmp_path / "deep" / "key", builder))
    assert builder.calls == 1
    lock = tmp_path / "deep" / "key.lock"
    lock.unlink()
    lock.mkdir()  # which nobody can lock, the superuser included
    check(built_once(tmp_path / "deep" / "key", builder))
    assert builder.calls == 1
    shutil.rmtree(tmp_path / "deep" / "key")
    check(built_once(tmp_path / "deep" / "key", builder))
    assert builder.calls == 2
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["key", "key.lock"]


def test_nothing_long_is_begun_where_it_cannot_be_kept(tmp_path: Path) -> None:
    builder = Builder()
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"key: the cache cannot be written: .*; set cache_dir=FOLDER"):
        built_once(tmp_path / "file" / "key", builder)
    assert builder.calls == 0


def wait_and_build(folder: Path, told: Path) -> None:
    def build() -> dict[str, np.ndarray]:
        with told.open("a") as file:
            file.write("built\n")
        time.sleep(0.2)
        return ARRAYS

    check(built_once(folder, build))


def test_of_several_processes_one_builds_what_takes_long(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    told = tmp_path / "told"
    running = [context.Process(target=wait_and_build, args=(tmp_path / "key", told)) for _ in range(3)]
    for process in running:
        process.start()
    for process in running:
        process.join(PATIENCE)
        assert process.exitcode == 0
    assert told.read_text() == "built\n"


def open_often(folder: Path) -> None:
    expected = np.arange(50_000)
    for turn in range(40):
        assert np.array_equal(cached_arrays(folder, lambda: {"numbers": expected})["numbers"], expected)
        if turn % 4 == 0:  # damage it under the other's nose
            (folder / MANIFEST).unlink(missing_ok=True)


def test_processes_that_build_and_damage_it_at_once_never_read_half_of_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    running = [context.Process(target=open_often, args=(tmp_path / "key",)) for _ in range(3)]
    for process in running:
        process.start()
    for process in running:
        process.join(PATIENCE)
        assert process.exitcode == 0
