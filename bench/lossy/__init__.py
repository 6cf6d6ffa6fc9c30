"""Speech through a network that loses and delays: WebSocket and data channels side by side."""
