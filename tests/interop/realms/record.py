"""Records one exchange between two sides of MIT Kerberos, for tests that have no KDC: ``python -m realms.record FILE``.

What is written is what travelled: a keytab of a realm that is gone, tokens, sealed messages. Both sides are the
library's own, so a reader that agrees with the file agrees with MIT Kerberos.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import gssapi
from gssapi.raw import IOV, ChannelBindings, IOVBufferType, acquire_cred_from, unwrap_iov, wrap_iov

from . import kinit, used
from .mit import MitRealm

HOST, USER, PASSWORD = "pc-0001.corp.example", "svc-rollout", "Recorded-1"
BINDING = b"tls-server-end-point:" + bytes(range(32))
KERBEROS, SPNEGO = gssapi.MechType.kerberos, gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
MESSAGES = (b"x", b"sixteen bytes it", b"<s:Envelope>" + b"\xc3\xa9" * 150 + b"</s:Envelope>")


def initiator(cache: str, mechanism: gssapi.OID, binding: bytes | None) -> gssapi.SecurityContext:
    """A client's context, with the flags that WinRM needs."""
    flags = gssapi.RequirementFlag
    cred = acquire_cred_from({b"ccache": cache.encode()}, mechs=[mechanism], usage="initiate").creds
    return gssapi.SecurityContext(
        name=gssapi.Name(f"HTTP@{HOST}", name_type=gssapi.NameType.hostbased_service),
        creds=gssapi.Credentials(base=cred, usage="initiate"),
        mech=mechanism,
        flags=flags.mutual_authentication | flags.confidentiality | flags.integrity,
        channel_bindings=ChannelBindings(application_data=binding) if binding else None,
        usage="initiate",
    )


def acceptor(keytab: Path) -> gssapi.SecurityContext:
    """The host's context."""
    cred = acquire_cred_from({b"keytab": os.fsencode(keytab)}, usage="accept").creds
    return gssapi.SecurityContext(creds=gssapi.Credentials(base=cred, usage="accept"), usage="accept")


def by_iov(context: gssapi.SecurityContext, plain: bytes) -> dict[str, str]:
    """A message in the layout of WinRM, made by the library."""
    buffers = IOV(IOVBufferType.header, plain, IOVBufferType.padding, std_layout=False)
    wrap_iov(context, buffers, confidential=True)
    assert not buffers[2].value
    return {"plain": plain.hex(), "header": buffers[0].value.hex(), "data": buffers[1].value.hex()}


def by_rotation(context: gssapi.SecurityContext, peer: gssapi.SecurityContext, plain: bytes) -> dict[str, str]:
    """The library's plain message, and that it takes the same one rotated for WinRM's layout."""
    token = gssapi.raw.wrap(context, plain, True).message
    body = token[16:]
    rotated = token[:6] + (28).to_bytes(2, "big") + token[8:16] + body[-28:] + body[:-28]
    header, data = rotated[:60], rotated[60:]
    buffers = IOV((IOVBufferType.header, False, header), data, IOVBufferType.data, std_layout=False)
    unwrap_iov(peer, buffers)
    assert buffers[1].value == plain, "MIT Kerberos does not take the rotated message"
    return {"plain": plain.hex(), "token": token.hex(), "header": header.hex(), "data": data.hex()}


def main() -> None:
    """Records and writes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        realm = MitRealm(folder / "realm")
        try:
            with used(realm):
                realm.add_user(USER, PASSWORD)
                keytab = realm.add_host(HOST)
                cache = kinit(realm, USER, PASSWORD, folder / "cache")
                client, host = initiator(cache, KERBEROS, BINDING), acceptor(keytab)
                request = client.step()
                reply = host.step(request)
                client.step(reply)
                record = {
                    "host": HOST,
                    "user": USER,
                    "realm": realm.name,
                    "now": int(time.time()),
                    "keytab": keytab.read_bytes().hex(),
                    "binding": BINDING.hex(),
                    "request": request.hex(),
                    "reply": reply.hex(),
                    "from_client": [by_iov(client, plain) for plain in MESSAGES],
                    "rotated": [by_rotation(client, host, plain) for plain in MESSAGES],
                    "from_host": [by_iov(host, plain) for plain in MESSAGES],
                    "unbound": initiator(cache, KERBEROS, None).step().hex(),
                    "spnego": initiator(cache, SPNEGO, BINDING).step().hex(),
                }
        finally:
            realm.close()
    Path(sys.argv[1]).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
