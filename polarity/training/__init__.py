"""The LightningModule, its callbacks, and what happens after the last epoch."""
