"""What the journal costs the flash: counts of a model, the same on every machine."""

from __future__ import annotations

from host_tools.bench import journal_flash, outage


def test_samples_cost_hardly_more_erases_than_they_have_blocks() -> None:
    run = journal_flash.JournalRun()
    figures = run.measure(0.5, journal_flash.WORKS["samples, delivered"])
    assert 1.0 < figures.amplification <= journal_flash.AMPLIFICATION_TARGET
    assert run.lanes.dropped == 0 and run.lanes.write_errors == 0


def test_every_record_at_once_is_what_the_lanes_spare() -> None:
    figures = journal_flash.JournalRun().measure(0.02, journal_flash.WORKS["each at once"])
    assert figures.amplification > 10


def test_days_come_from_the_blocks_that_were_taken() -> None:
    day = outage.Run(temps=104, minutes=1440, blocks=1024, appended=1)
    assert day.days == 2.0
