"""How a finished report leaves this machine: by mail and to a webhook. What is sent is written in
reports/mail.py and reports/webhook.py; when, is decided in analyzer/publish.py.
"""


class NotSent(Exception):
    """A report did not arrive, or not everywhere; the message says where and why."""
