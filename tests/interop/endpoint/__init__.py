"""A small, strict WS-Management endpoint, so that the client can be judged by code that is not ours.

Authentication and sealing come from pyspnego's acceptor, TLS from OpenSSL, XML from libxml2. What lies between them was
written from the protocol description alone. Nothing here may import, read or imitate the simulated fleet of this
repository: two independent readings of the same text are the point.

Reading order: ``server`` (a host and its listeners), ``connection`` (one TCP connection), ``soap`` (envelope rules),
then the resources ``stdregprov``, ``cim`` and ``shell``.
"""
