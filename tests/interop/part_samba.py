"""The checks of ``part_kerberos`` once more, with the tickets of a Samba Active Directory domain controller."""

from __future__ import annotations

import part_kerberos
from checks import Count, Part
from realms.samba import SambaRealm

PART = Part("samba", list(part_kerberos.PART.checks))


def run(only: str) -> Count:
    """Runs the part."""
    return part_kerberos.run_in(PART, SambaRealm, only)
