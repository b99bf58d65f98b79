"""A training done again on training and validation rows, as long as validation had chosen; nothing chooses any more."""

from dataclasses import replace

from lightning import Callback, LightningModule, Trainer

from polarity.config.preflight import Prepared
from polarity.config.refit import without_validation
from polarity.models.classifier import MultiTaskClassifier
from polarity.models.components import modules_in
from polarity.models.saving import save_model
from polarity.run import RunDirectory
from polarity.training.assembled import Assembled, Stages, assemble
from polarity.training.callbacks.finite import StopOnNonFiniteLoss
from polarity.training.continued_pretraining import pretraining_of
from polarity.training.fixed_vectors import FixedVectors
from polarity.training.harmless_warnings import hide_harmless_warnings
from polarity.training.linear_probe import LinearProbe
from polarity.training.micro_batches import MicroBatches
from polarity.training.narrowed_tables import NarrowedTables
from polarity.training.signals import StopOnSignal
from polarity.training.trainer import build_trainer


class StopAfter(Callback):
    """Ends the training after so many epochs of those that are planned, so that rates fall as they did."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop after the last one."""
        trainer.should_stop = trainer.current_epoch + 1 >= self.epochs


def train_again(prepared: Prepared, epochs: int, run: RunDirectory) -> Assembled:
    """Train on all rows but the test rows, and write ``model/`` without its decision rule.

    Vocabularies, class weights and samplers are made of all these rows. Where heads begin as a linear probe, its C is
    chosen as before, by the training rows on the validation rows, and the probe then fitted to both.

    :param epochs: 0 for the state before training.
    """
    rows = len(prepared.splits.train)
    assembled = assemble(replace(prepared, splits=prepared.splits.all_trained()), Stages())
    probe = [LinearProbe(assembled, first=rows)] if assembled.probes else []
    begun, cut = pretraining_of(assembled), [NarrowedTables(assembled), MicroBatches(assembled)]
    with StopOnSignal(at_once=True) as stop, hide_harmless_warnings():
        callbacks = [stop, *begun, FixedVectors(assembled), *probe, *cut, StopOnNonFiniteLoss(), StopAfter(epochs)]
        trainer = build_trainer(without_validation(prepared.config, nothing=not epochs), run, callbacks)
        trainer.fit(assembled.module, datamodule=assembled.data)
    trained = assembled.module.model.cpu()
    architecture = trained.architecture()
    model = MultiTaskClassifier.from_architecture(architecture, modules_in(architecture))
    model.load_state_dict(trained.state_dict(), strict=True)
    model.encoder.merge()
    save_model(model, assembled.reader, run.model)
    return assembled
