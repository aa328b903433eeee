"""Networks: backbones, necks, heads, their weights and the checkpoints of public trackers."""
