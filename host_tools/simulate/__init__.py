"""A simulated site: racks of LFP cells behind real Modbus servers, faults, truth and wiring."""
