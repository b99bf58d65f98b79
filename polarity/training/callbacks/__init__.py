"""What happens beside the training step: checkpoints, history, console, exposure, guards."""
