"""What a tracker does with the network's answer in one frame, one module per family."""
