"""Drawing on images as arrays, without matplotlib."""
