"""What Sendmail's lines prove about replies they do not print."""

from .implied import Implied

IMPLIED_SENDMAIL: dict[str, Implied] = {}
