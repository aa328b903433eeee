"""From sequences to training pairs, and from frames to crops."""
