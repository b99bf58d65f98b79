"""A job of a sweep that takes no time: its settings are its score. Run as ``python quick.py resume="FOLDER"``."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import yaml


def write(file: Path, text: str) -> None:
    """As a whole, since the sweep looks at it meanwhile."""
    part = file.with_suffix(".part")
    part.write_text(text)
    part.replace(file)


def main(folder: Path) -> None:
    config = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
    status = json.loads((folder / "status.json").read_text("utf-8"))
    with (folder / "starts").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    rate, epochs = config["optimizer"]["lr"], config["trainer"]["max_epochs"]
    score = 0.5 - rate + config["seed"] % 10 / 1000
    ended = {"state": "finished"}

    def stop(number: int, _frame: object) -> None:
        stopped = {**status, "state": "failed", "error": "interrupted", "interrupted": True}
        write(folder / "status.json", json.dumps(stopped))
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    for epoch in range(epochs if epochs > 1 else 0):
        rows = "".join(f"{n},{score * (n + 1) / epochs}\n" for n in range(epoch + 1))
        write(folder / "history.csv", f"epoch,val/macro_f1\n{rows}")
        time.sleep(float(os.environ.get("QUICK_EPOCH", "0")))
        others = len(list(folder.parent.glob("*/metrics.json")))
        if "QUICK_WAITS" in os.environ and epoch == 1 and others >= 5 and rate > 0.01:
            time.sleep(60)  # to be pruned meanwhile
    if rate > float(os.environ.get("QUICK_FAILS_ABOVE", "inf")):
        ended = {"state": "failed", "error": "too fast", "attempt": str(os.getpid())}
    scores = {"overall": score, "tasks": {}}
    metrics = {"best": {"value": score, "epoch": 0}, "crossfit": {"val": scores}}
    write(folder / "metrics.json", json.dumps(metrics))
    write(folder / "status.json", json.dumps({**status, **ended}))


if __name__ == "__main__":
    main(Path(sys.argv[1].partition("=")[2].strip('"')))
