"""Rooms at Daily: media over Daily's WebRTC, bargein/1 over its app messages."""
