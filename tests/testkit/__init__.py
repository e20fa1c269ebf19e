"""Code that several folders of tests share: prepared databases, a WebSocket client, simulated failures."""
