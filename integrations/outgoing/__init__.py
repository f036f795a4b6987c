"""Requests to addresses that people or settings give: only where they may go, small, short and without redirects."""
