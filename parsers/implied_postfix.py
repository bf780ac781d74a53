"""What Postfix's lines prove about replies they do not print."""

from .implied import Implied

IMPLIED_POSTFIX: dict[str, Implied] = {}
