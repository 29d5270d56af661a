"""What a person or a program reads of a run: terminal and JSON."""
