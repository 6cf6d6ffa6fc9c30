"""Pipecat's own clients: they speak RTVI over WebRTC, and get the same bot and the same judge."""
