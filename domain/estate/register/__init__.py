"""The estate from a register: areas, buildings and homes as a file names them, each made once."""
