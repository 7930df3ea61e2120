"""Queueing models: predictions of a load from the service demands of single requests."""

from .fifo_replay import burst_means, predict_burst, replay_burst, service_ms

__all__ = ["burst_means", "predict_burst", "replay_burst", "service_ms"]
