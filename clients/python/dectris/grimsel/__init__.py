"""Clients of Grimsel's status port and message port.

- ``DQueryStatusClient``: how many files are pending, copied and failed
- ``DAbstractMessageClient``: reacting to messages
- ``DClientSocket``: the connection below both, and its exceptions

Each is a module that holds a class of the same name.
"""

__all__ = ["DAbstractMessageClient", "DClientSocket", "DQueryStatusClient"]
