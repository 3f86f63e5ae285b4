"""What the gateway answers on site: a read-only console."""
