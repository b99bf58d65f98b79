"""A training in the process of others leaves what their libraries say as it was."""

import logging

from polarity.training.harmless_warnings import hide_harmless_warnings


def test_lightning_is_quiet_for_the_length_of_a_training() -> None:
    logger = logging.getLogger("lightning.pytorch")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        with hide_harmless_warnings():
            assert not logger.isEnabledFor(logging.INFO)
        assert logger.level == logging.DEBUG
    finally:
        logger.setLevel(before)
