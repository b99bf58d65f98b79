"""Every wrong command line gives one complete message with the nearest valid name, before anything is started."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from polarity.config.structure import config_problems
from polarity.config.uncomposable import _why_unreadable
from polarity.errors import UserError
from polarity.train import check
from tests.running import composed, overrides

LONG = [
    *(["model.name"], ["data.path"], ["output_dir"], ["resume"], ["from"], ["logger.csv.name"]),
    *(["regularizer.teacher", "regularizer=distillation"], ["pretraining.texts", "pretraining=mlm"]),
]
"""Settings that are places, with what else has to be given."""

CASES = [
    (["los=focal"], ["los: no such setting or group", "did you mean 'loss'"]),
    (["loss=focl"], ["loss=focl: no such preset", "did you mean 'focal'", "ce, focal"]),
    (["experiment=run9"], ["experiment=run9: no such preset", "run1"]),
    (["loss.gama=3"], ["loss.gama: FocalLoss has no such setting", "did you mean 'gamma'"]),
    (["+loss.gama=3"], ["loss.gama: FocalLoss has no such setting", "did you mean 'gamma'"]),
    (["++model.dropuot=0.9"], ["model.dropuot: PretrainedEncoder has no such setting", "did you mean 'dropout'"]),
    (["optimizer.lr=abc"], ["optimizer.lr: must be a number", "got 'abc'"]),
    (["optimizer.lr=-1"], ["optimizer.lr: must be greater than 0", "got -1"]),
    (["optimizer.lr=true"], ["optimizer.lr: must be a number", "got True"]),
    (["optimizer.lr=null"], ["optimizer.lr", "got None"]),
    (["batching.batch_size=2.5"], ["batching.batch_size: must be a whole number", "got 2.5"]),
    (["seed=abc"], ["seed: must be a whole number", "got 'abc'"]),
    (["sead=3"], ["sead: no such setting", "did you mean 'seed'"]),
    (["+sead=3"], ["sead: no such setting", "did you mean 'seed'"]),
    (["monitor=val/f1"], ["monitor: no score is logged as 'val/f1'", "did you mean 'val/macro_f1'"]),
    (["monitor=val/tone/f1/maybe"], ["monitor", "val/tone/f1/yes"]),
    (["mode=min"], ["mode: val/macro_f1 is best at its maximum"]),
    (["monitor=val/loss"], ["mode: val/loss is best at its minimum"]),
    (["mode=maximum"], ["mode: 'maximum' is not valid", "did you mean 'max'"]),
    (
        ["sampler=joint", "sampler.boosts.tone.yse=3"],
        ["sampler.boosts.tone.yse", "no such class", "did you mean 'yes'"],
    ),
    (["sampler=joint", "sampler.boosts.tune.yes=3"], ["sampler.boosts.tune: no such task", "did you mean 'tone'"]),
    (["sampler=joint", "sampler.boosts.tone=3"], ["sampler.boosts.tone: must be a mapping", "got 3"]),
    (["sampler.boosts.tone.yes=3"], ["sampler.boosts: NaturalSampler has no such setting"]),
    (["loss=ce", "loss.gamma=3"], ["loss.gamma: CrossEntropyLoss has no such setting"]),
    (["loss.gamma={tone: 1}"], ["loss.gamma: no value for task 'topic'"]),
    (["loss.class_weights=balance"], ["loss.class_weights: 'balance' is not valid", "did you mean 'balanced'"]),
    (["loss.clip=[1]"], ["loss.clip"]),
    (["loss._target_=polarity.losses.focall.FocalLoss"], ["loss._target_: cannot import"]),
    (["loss._target_=polarity.samplers.natural.NaturalSampler"], ["loss._target_", "is no MultiTaskLoss"]),
    (["head.width=64"], ["head.width: has no effect with layers=1"]),
    (["head.layers=0"], ["head.layers: must be greater than or equal to 1"]),
    (["regularizer=rdrop", "regularizer.warmup_epochs=5"], ["regularizer.warmup_epochs", "never start"]),
    (
        ["regularizer=rdrop", "regularizer.warmup_epochs=0", "model.encoder_dropout=0.0", "model.dropout=0.0"],
        ["regularizer: has no effect"],
    ),
    (["trainer.max_epoch=3"], ["trainer.max_epoch: Trainer has no such setting", "did you mean 'max_epochs'"]),
    (["trainer.max_epochs=0"], ["trainer.max_epochs: must be a whole number of at least 1, got 0"]),
    (["trainer.precision=fp16"], ["trainer.precision", "bf16-mixed"]),
    (["trainer.precision=16-mixed"], ["trainer.precision: 16-mixed", "bf16-mixed"]),
    (["+trainer.gradient_clip_val=1"], ["trainer.gradient_clip_val", "clipping.max_norm"]),
    (["+trainer.accumulate_grad_batches=2"], ["trainer.accumulate_grad_batches", "batching.accumulate"]),
    (["+trainer.limit_train_batches=2"], ["trainer.limit_train_batches", "limit.train"]),
    (["trainer.accelerator=cuda"], ["trainer.accelerator: the Trainer cannot be built: "]),
    (["trainer.accelerator=gpu"], ["trainer.accelerator: the Trainer cannot be built: "]),
    (["trainer.accelerator=gpus"], ["trainer.accelerator: 'gpus' is not valid; did you mean 'gpu'?"]),
    (["+trainer.strategy=ddpp"], ["trainer.strategy: 'ddpp' is not valid; did you mean 'ddp'?"]),
    (["+trainer.profiler=simpel"], ["trainer.profiler: 'simpel' is not valid; did you mean 'simple'?"]),
    (["+trainer.num_nodes=0"], ["trainer.num_nodes: must be greater than or equal to 1, got 0"]),
    (["trainer.devices=0"], ["trainer.devices: must be 1 or more", "got 0"]),
    (["trainer.devices=[]"], ["trainer.devices: must be 1 or more", "got []"]),
    (["+trainer.max_time={hour: 3}"], ["trainer.max_time.hour: no such unit; did you mean 'hours'?"]),
    (["+trainer.max_time={hours: -3}"], ["trainer.max_time.hours: must be greater than or equal to 0, got -3"]),
    (["+trainer.max_time={hours: nan}"], ["trainer.max_time.hours: must be a finite number"]),
    (["callbacks.best=null"], ["callbacks.best: is missing"]),
    (["callbacks.early_stopping.patience=soon"], ["callbacks.early_stopping.patience: must be a whole number"]),
    (["callbacks.early_stoping.patience=3"], ["callbacks.early_stoping", "_target_"]),
    (["model.name=no/such/folder"], ["model.name"]),
    (["batching.max_length=9999"], ["batching.max_length: 9999 is more than the 64 tokens"]),
    (["loss.gamma=[1,"], ["cannot be read as an override"]),
    (
        ["trainer.strategy=ddp_spawn"],
        ["trainer.strategy: ddp_spawn would have to copy", "trainer=ddp starts processes"],
    ),
    (["trainer.max_time='00:00:10'"], ["trainer.max_time: must be a time as DD:HH:MM:SS"]),
    (["trainer.max_time=5"], ["trainer.max_time: must be a time as DD:HH:MM:SS", "a mapping {name: value}, got 5"]),
    *(
        ([f'trainer.devices="{wrong}"'], ['trainer.devices: must be a whole number or a text such as auto, "2"', wrong])
        for wrong in ("--1", "-", "1,,2", ", ", "cuda:0", "1_0", "٣", "²", "0")
    ),
    (["trainer.devices=[0,0]"], ["trainer.devices: the Trainer cannot be built: "]),
    *(
        ([*more, f"{key}={'x' * 300}"], [f"{key}: ", "is too long for a file or folder: 300 bytes, 255 are the most"])
        for key, *more in LONG
    ),
    (["trainer.devices=[-1]"], ["trainer.devices.0: must be greater than or equal to 0, got -1"]),
    (
        ["regularizer=distillation", "regularizer.teacher=x", "regularizer.temperature=1000"],
        ["regularizer.temperature: must be less"],
    ),
    (["logger={}"], ["logger: {} is added to what is there", "logger.NAME=null takes one out (tensorboard, csv)"]),
    (
        ["sampler=joint", "sampler.boosts.tone.yes=3", "sampler.boosts={ }"],
        ["sampler.boosts: {} is added to what is there", "~sampler.boosts.NAME takes one out (tone)"],
    ),
    (["sampler=joint", "sampler.boosts.tone.yes=1e39"], ["sampler.boosts.tone.yes: must be less than or equal"]),
    (["trainer.max_steps=0"], ["trainer.max_steps: must be greater than or equal to 1 or -1, got 0"]),
    (["gamma"], ["gamma"]),
    (["lr=3"], ["lr: no such setting or group; did you mean optimizer.lr?"]),
    (["x" * 300 + "=3"], ["xxx: no such setting or group"]),
    (["+" + "x" * 300 + "=3"], ["xxx=3: no group or preset can have so long a name"]),
    (["x" * 300 + "/y=3"], ["xxx/y=3: no group or preset can have so long a name"]),
    (["run=outputs/x"], ["run: no such setting or group (there are: "]),
    (["modle=minilm"], ["did you mean 'model'?"]),
    (["callbacks.early_stoping=null"], ["callbacks.early_stoping: there is none", "did you mean 'early_stopping'?"]),
    (["logger.tensorbord=null"], ["logger.tensorbord: there is none", "did you mean 'tensorboard'?"]),
    (["callbacks.early_stopping.patience=-1"], ["callbacks.early_stopping.patience: must be", "got -1"]),
    (["trainer.log_every_n_steps=-3"], ["trainer.log_every_n_steps: must be", "got -3"]),
    (["+trainer.max_steps=0"], ["trainer.max_steps", "0"]),
    (["+trainer.min_epochs=5"], ["trainer.min_epochs: 5 is more than max_epochs=2"]),
    (["+trainer.min_epochs=2"], ["trainer.min_epochs: 2 has no effect", "patience=5 waits for 6 epochs"]),
    (["+trainer.min_epochs=2", "callbacks.early_stopping=null"], ["trainer.min_epochs: has no effect, since nothing"]),
    (["+trainer.min_steps=2", "callbacks.early_stopping=null"], ["trainer.min_steps: has no effect, since nothing"]),
    (["trainer.max_steps=10", "+trainer.min_steps=11"], ["trainer.min_steps: 11 is more than max_steps=10"]),
    (["trainer.max_time=00:00:00:00"], ["trainer.max_time: must be more than no time"]),
    (["hydra/launcher=basic"], ["hydra/launcher: has an effect with -m only"]),
    (["hydra.sweep.dir=x"], ["hydra.sweep.dir: has an effect with -m only"]),
    (["~callbacks.early_stopping.mode"], ["callbacks.early_stopping.mode: val/macro_f1 is best", "got 'min'"]),
    (["+trainer.sync_batchnorm=true"], ["trainer.sync_batchnorm: is not a setting here", "no encoder has"]),
    (["+trainer.enable_autolog_hparams=false"], ["trainer.enable_autolog_hparams: is not a setting here"]),
    (["trainer.deterministic=null"], ["trainer.deterministic: must be true or false or warn, got None"]),
    (["+callbacks.early_stopping.strict=false"], ["callbacks.early_stopping.strict: has no effect"]),
    (["+callbacks.early_stopping.verbose=true"], ["callbacks.early_stopping.verbose: has no effect"]),
    (["logger.tensorboard=null", "logger.csv=null"], ["callbacks.learning_rate: has no effect without a logger"]),
    (["+logger.tensorboard.log_graph=true"], ["logger.tensorboard.log_graph: has no effect"]),
    (["batching.max_context=0.3"], ["batching.max_context: has no effect, since the data have no context"]),
    (["batching.max_context=null"], ["batching.max_context: has no effect, since the data have no context"]),
    (["logger.csv.flush_logs_every_n_steps=0"], ["logger.csv.flush_logs_every_n_steps: must be", "got 0"]),
    (["hydra.run.dir=x"], ["hydra.run.dir: has no effect", "output_dir"]),
    (["seed=4294967296"], ["seed: must be less than or equal to 4294967295"]),
    (["output_dir=/dev/null"], ["output_dir: /dev/null is a file, not a folder"]),
    (
        ["+logger.wandb={_target_: lightning.pytorch.loggers.WandbLogger}"],
        ["logger.wandb: needs the package wandb, which is not installed"],
    ),
    (["loss=null"], ["loss"]),
    (["experiment=null"], ["experiment=null: leave it out"]),
    (["data.path=nowhere.csv"], ["nowhere.csv"]),
    (["data.text=txet"], ["txet", "did you mean 'text'"]),
    (["limit.train=0"], ["limit.train: must be greater than or equal to 1"]),
    (["clipping=per_task", "clipping.heads={tone: 1.0}"], ["clipping.heads: no value for task 'topic'"]),
    (["seed=${sede}"], ["sede"]),
    (
        ["experiment=run4", "model=wide_deep"],
        ["experiment chooses a pooling for", "it has model.encoder.pooling"],
    ),
    (
        ["experiment=run4", "model=ngrams"],
        ["experiment chooses a pooling for model.pooling"],
    ),
]


@pytest.mark.parametrize(("patience", "refused"), [(3, False), (4, True)])
def test_early_stopping_is_known_by_its_class(patience: int, refused: bool, folder: Path) -> None:
    node = f"_target_: lightning.pytorch.callbacks.EarlyStopping,monitor: val/macro_f1,mode: max,patience: {patience}"
    more = ("callbacks.early_stopping=null", f"+callbacks.mine={{{node}}}", "trainer.max_epochs=9")
    with pytest.raises(UserError, match="waits for 5 epochs") if refused else nullcontext():
        check(overrides(folder, *more, "+trainer.min_epochs=5"))


@pytest.mark.parametrize("node", ["{_target_: mine.Stopping}", "{_target_: lightning.pytorch.callbacks.Timer}"])
def test_a_callback_that_may_stop_training_gives_the_least_epochs_their_effect(node: str, folder: Path) -> None:
    arguments = overrides(folder, "callbacks.early_stopping=null", "+trainer.min_epochs=2")
    assert any("min_epochs" in problem for problem in config_problems(composed(*arguments)))
    assert not any("min_epochs" in problem for problem in config_problems(composed(*arguments, f"+callbacks.m={node}")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With data and an encoder; a check leaves it as it was."""
    made = tmp_path_factory.mktemp("preflight")
    overrides(made)
    return made


@pytest.mark.parametrize(("extra", "pieces"), CASES, ids=[" ".join(case[0]) for case in CASES])
def test_a_wrong_command_line_is_explained(extra: list[str], pieces: list[str], folder: Path) -> None:
    arguments = overrides(folder, *extra)
    before = {path for path in folder.rglob("*") if "cache" not in path.parts}
    with pytest.raises(UserError) as refused:
        check(arguments)
    message = "\n".join(refused.value.problems)
    for piece in pieces:
        assert piece in message, message
    assert len(refused.value.problems) == 1, message
    assert {path for path in folder.rglob("*") if "cache" not in path.parts} == before


def test_all_problems_of_the_settings_come_at_once(folder: Path) -> None:
    wrong = ["loss.gama=3", "optimizer.lr=abc", "+trainer.fast_dev_run=true", "callbacks.best=null", "seed=-1"]
    with pytest.raises(UserError) as refused:
        check(overrides(folder, *wrong))
    named = {problem.split(":")[0] for problem in refused.value.problems}
    assert named == {"loss.gama", "optimizer.lr", "trainer.fast_dev_run", "callbacks.best", "seed"}


def test_all_problems_of_data_and_components_come_at_once(folder: Path) -> None:
    wrong = ["data.text=txet", "trainer.accelerator=cuda", "head.width=64", "batching.max_length=9999"]
    with pytest.raises(UserError) as refused:
        check(overrides(folder, *wrong))
    message = "\n".join(refused.value.problems)
    for piece in ("txet", "the Trainer cannot be built", "head.width: has no effect", "batching.max_length: 9999"):
        assert piece in message


def test_what_a_section_refuses_does_not_hide_what_else_is_wrong_with_it(folder: Path) -> None:
    """The loss itself refuses its clip; only with the data it is known that there is no such task."""
    with pytest.raises(UserError) as refused:
        check(overrides(folder, "loss.clip=[2,1]", "loss.task_weights.tome=2", "monitor=val/foo"))
    assert [problem.partition(":")[0] for problem in refused.value.problems] == [
        "loss.clip",
        "loss.task_weights.tome",
        "monitor",
    ]


def test_data_are_not_read_for_settings_that_are_wrong(folder: Path) -> None:
    with pytest.raises(UserError) as refused:
        check(overrides(folder, "data.path=nowhere.csv", "optimizer.lr=abc"))
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["optimizer.lr"]


def test_what_a_file_needs_is_named_at_once() -> None:
    with pytest.raises(UserError) as refused:
        check(["data=csv"])
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["data.tasks", "data.path", "data.text"]


def test_overrides_that_name_nothing_do_not_hide_wrong_values(folder: Path) -> None:
    with pytest.raises(UserError) as refused:
        check(overrides(folder, "los=focal", "sampler=jiont", "sampler.alpha=high", "optimizer.lr=abc"))
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["los", "sampler=jiont", "optimizer.lr"]


@pytest.mark.parametrize("wrong", ["data=cvs", "data.tasks={tone:["])
def test_where_the_data_are_not_known_only_the_settings_are_looked_at(
    wrong: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polarity.data.vader.VaderCorpus.load", None)  # the default is none of its business
    key, _, _ = wrong.partition("=")
    usual = [text for text in overrides(folder, "optimizer.lr=abc") if not text.startswith(f"{key}=")]
    with pytest.raises(UserError) as refused:
        check([*usual, "sampler=joint", "sampler.boosts.tone.yes=2", wrong])
    wrong_one, rate = refused.value.problems
    assert wrong_one.startswith(wrong)
    assert rate.startswith("optimizer.lr: must be a number")


def test_a_resumed_run_takes_no_other_settings_and_has_to_exist(folder: Path) -> None:
    with pytest.raises(UserError) as refused:
        check([f"resume={folder / 'nothing'}", "seed=3"])
    message = "\n".join(refused.value.problems)
    assert "a resumed run keeps its own configuration; also given: seed=3" in message
    assert "is no run's folder" in message


def test_several_wrong_groups_come_at_once(folder: Path) -> None:
    with pytest.raises(UserError) as refused:
        check(overrides(folder, "loss=focl", "sampler=jiont", "los=ce"))
    assert len(refused.value.problems) == 3


def test_every_job_of_a_multirun_is_checked(folder: Path) -> None:
    with pytest.raises(UserError) as refused:
        check(["-m", *overrides(folder, "loss=ce,focl", "seed=1,x", "sampler=joint", "sampler.boosts.tone.yes=2,3")])
    message = "\n".join(refused.value.problems)
    assert "loss=focl" in message
    with pytest.raises(UserError) as refused:
        check(["-m", *overrides(folder, "seed=1,x", "sampler=joint", "sampler.alpha=0,high")])
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["sampler.alpha", "seed"]
    with pytest.raises(UserError) as refused:
        check(["-m", *overrides(folder, "sampler=joint,natural", "monitor=val/f1,val/f2", "sampler.alpha=0")])
    assert "NaturalSampler has no such setting" in str(refused.value)
    with pytest.raises(UserError) as refused:
        check(["-m", *overrides(folder, "monitor=val/f1,val/macro_f1,val/f2")])
    assert [problem[:30] for problem in refused.value.problems] == [
        "monitor: no score is logged as",
        "monitor: no score is logged as",
    ]


def test_several_processes_inside_a_multirun_are_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="would each run the whole sweep"):
        check(["-m", *overrides(folder, "trainer=ddp", "trainer.devices=2", "seed=1,2", "hydra/launcher=basic")])


def test_a_preset_of_a_sweep_that_does_not_go_with_the_rest_is_named() -> None:
    with pytest.raises(UserError) as refused:
        check(["-m", "model=ngrams", "experiment=quickstart,run4"])
    (said,) = refused.value.problems
    assert said.startswith("experiment=run4: the experiment chooses a pooling for model.pooling, which the model that ")


def test_a_right_command_line_passes(folder: Path) -> None:
    arguments = overrides(folder, "sampler=joint", "sampler.boosts.tone.yes=2.5")
    assert check(arguments)[-1] == "++sampler.boosts.tone.yes=2.5"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("data.tasks={stance:[für,gegen]}", "names beyond ASCII have to stand in double quotes"),
        ("runs=[a/it's,a/ü]", "a name that holds an apostrophe has to stand in double quotes"),
        ("data.path=a/ü,b=1.csv", """where commas separate the values of a sweep: 'data.path="a/ü,b=1.csv"'"""),
        ("output_dir=a=,1", """has to stand in double quotes, where commas"""),
        (
            "sampler.boosts.tipo.c/d.e=2",
            """a name with such signs has to stand in braces: 'sampler.boosts.tipo={"c/d.e": 2}'""",
        ),
        ("loss.gamma=[1,", "no viable alternative"),
    ],
    ids=["letters", "apostrophe", "both", "comma", "name", "bracket"],
)
def test_what_makes_a_setting_unreadable_is_told_and_nothing_else(text: str, advice: str) -> None:
    with pytest.raises(HydraException) as refused:
        OverridesParser.create().parse_override(text)
    said = _why_unreadable(text, refused.value)
    assert advice in said
    assert ("beyond ASCII" in said) == ("für" in text)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["seed=range(3,3)", "loss=ce,focal"], "seed=range(3,3): has no value"),
        (["loss.gamma=range(9,1)"], "loss.gamma=range(9,1): has no value"),
        (["loss.gamma=range(1,9,0)"], "loss.gamma=range(1,9,0): cannot be read as an override; range() arg 3 must not"),
        (["seed=1,2", "--cfg", "job"], "--cfg: shows the configuration of one run"),
    ],
    ids=["range", "none between", "no step", "cfg"],
)
def test_a_sweep_of_nothing_is_refused(folder: Path, words: list[str], problem: str) -> None:
    with pytest.raises(UserError) as refused:
        check(["-m", *overrides(folder, *words)])
    (said,) = refused.value.problems
    assert said.startswith(problem)


def test_a_folder_that_a_shell_left_empty_begins_no_run() -> None:
    with pytest.raises(UserError, match="resume: needs the folder of a run or of a sweep"):
        check(["resume="])
