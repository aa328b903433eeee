"""What makes a trained network quick on a CPU."""
