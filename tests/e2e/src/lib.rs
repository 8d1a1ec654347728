//! Starts the real program against simulated hosts; see `tests/` for what is proved with it.
