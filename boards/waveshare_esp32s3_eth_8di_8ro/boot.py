"""Drops every relay before anything is imported: the expander kept them over the reset.

Imports nothing of the gateway, so that a damaged file cannot keep it from its work.
"""

from machine import Pin, SoftI2C, Timer

SDA = 42
SCL = 41
RELAYS = 0x20
TIMER = 0  # the dead man's, which takes it over
# (register, value): the levels first, then all pins are outputs
_SAFE = (b"\x01\x00", b"\x03\x00")
_ATTEMPTS = 5
_AGAIN_MS = 200


def free(scl: Pin, sda: Pin) -> None:
    """End what the reset cut short. Pulses only while a chip holds the data line, START and STOP
    as soon as none does: to a chip that receives each pulse is a one, and a one energises.
    """
    for _ in range(9):
        if sda():
            break
        scl(0)
        scl(1)
    sda(0)
    sda(1)


def drop_relays() -> bool:
    """False when the expander did not take it."""
    scl, sda = Pin(SCL, Pin.OPEN_DRAIN, value=1), Pin(SDA, Pin.OPEN_DRAIN, value=1)
    free(scl, sda)
    i2c = SoftI2C(scl=scl, sda=sda, freq=100000, timeout=500)
    for _ in range(_ATTEMPTS):
        try:
            if all([i2c.writeto(RELAYS, data) == len(data) for data in _SAFE]):
                return True
        except OSError:
            pass
    return False


def again(timer: Timer) -> None:
    """Until it took it, whatever is started meanwhile, or nothing is: board.py tells.

    Never stops the timer: a call that was still due when board.py took it would stop the dead man.
    """
    global dropped
    if not dropped:
        dropped = drop_relays()


dropped = drop_relays()
if not dropped:
    Timer(TIMER).init(mode=Timer.PERIODIC, period=_AGAIN_MS, callback=again)
