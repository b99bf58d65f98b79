"""AutoGluon on one column of text, run by a Python of its own: ``python autogluon_tabular.py ASKED ANSWER``.

Its default presets; models are chosen by macro-F1 on the validation rows.
"""

import json
import sys
from pathlib import Path

import pandas as pd
from autogluon.tabular import TabularPredictor

asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
test = pd.DataFrame({"text": asked["test"]})
answers = []
for number, task in enumerate(asked["tasks"]):
    train, val = (pd.DataFrame(task[name], columns=["text", "label"]) for name in ("train", "val"))
    predictor = TabularPredictor("label", eval_metric="f1_macro", path=f"models-{number}", verbosity=1)
    predictor.fit(train, tuning_data=val, time_limit=asked["seconds"])
    answers.append(predictor.predict(test).tolist())
Path(sys.argv[2]).write_text(json.dumps(answers), encoding="utf-8")
