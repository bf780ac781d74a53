"""Text of mail logs to events. A leaf: knows nothing of analysis or of reports."""
