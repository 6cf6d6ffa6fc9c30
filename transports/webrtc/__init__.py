"""The local room over WebRTC's data channels: audio as datagrams, control messages in order."""
