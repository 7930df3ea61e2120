"""Queueing models: what they say of a load, from what single requests take."""

from .fifo_replay import burst_means, predict_burst, replay_burst, service_ms

__all__ = ["burst_means", "predict_burst", "replay_burst", "service_ms"]
