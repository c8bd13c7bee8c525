"""The demo: an invented platform, its people and its history."""
