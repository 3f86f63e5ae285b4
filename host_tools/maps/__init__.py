"""Register maps as CSV, and the constant tables generated from them for firmware and people."""
