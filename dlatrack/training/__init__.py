"""One readable training loop: schedule, engine, checkpoints, history."""
