"""Structured text from outside: one door that checks size and kind before anything is done with it."""
