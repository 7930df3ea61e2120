"""Recordings in the formats of other tools: one module a format, see `docs/EXPORTS.md`."""
