"""Products and site files, compiled to the device's configuration."""
