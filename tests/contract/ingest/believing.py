"""``python -m tests.contract.ingest.believing``: the API process, believing for an hour what it knows of devices."""

from __future__ import annotations

from api import main
from domain.security.devices import directory

if __name__ == "__main__":
    directory.TTL = directory.NEWS_TTL = 3_600.0
    main.main()
