"""Bills that come from suppliers and property systems over ports."""
