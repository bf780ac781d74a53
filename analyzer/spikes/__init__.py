"""What is unusual in counts over time; see detect.py."""
