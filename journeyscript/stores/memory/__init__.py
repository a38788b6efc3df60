"""The store in memory: the public twin of the SQLite one, for simulations and tests.

Gives `MemoryStore`, which answers every verb as the other stores do and forgets everything with the process.
"""

from journeyscript.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
