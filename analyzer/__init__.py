"""From events to findings, and the command line. Start at pipeline.py."""
