"""Rack BMS as data: register maps, data blocks with age and quality, the poll schedule."""
