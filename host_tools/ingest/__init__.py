"""What gateways send upstream, stored in a database: once, and all of it."""
