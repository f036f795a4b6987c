"""Applications of residents, whatever they ask for: counted in one place and followed live."""
