"""What Exim's lines prove about replies they do not print."""

from .implied import Implied

IMPLIED_EXIM: dict[str, Implied] = {}
