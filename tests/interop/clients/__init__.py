"""What unmodified pypsrp and pywinrm must be able to do with a host, whoever simulates it.

The same checks run against the simulated fleet and against the endpoint of this folder: a check that only one of them
passes has found a mistake in the other.
"""

from __future__ import annotations

from checks import Part
from clients import cim, commands, envelopes, logons, registry, shells


def register(part: Part) -> None:
    """Adds all checks to a part."""
    for group in (commands, shells, registry, cim, envelopes, logons):
        group.register(part)
