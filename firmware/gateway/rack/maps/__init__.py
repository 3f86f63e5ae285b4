"""Generated register maps; source: host_tools/maps/*.csv."""
