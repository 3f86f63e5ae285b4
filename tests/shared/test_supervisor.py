import asyncio
import unittest

from fake_hardware import QuietLog

from gateway.clock import Clock
from gateway.supervisor import Supervisor


class CountingWatchdog:
    def __init__(self):
        self.fed = 0

    def feed(self):
        self.fed += 1


class Bench:
    def __init__(self):
        self.watchdog = CountingWatchdog()
        self.unsafe = []
        self.log = QuietLog()
        self.clock = Clock()
        self.supervisor = Supervisor(self.clock, self.watchdog, self.unsafe.append, self.log)

    def run(self, scenario):
        async def main():
            await scenario()
            await self.supervisor.stop()

        asyncio.run(main())


class SupervisorTest(unittest.TestCase):
    def test_fed_while_critical_tasks_report(self):
        bench = Bench()

        async def busy(beat):
            while True:
                beat()
                await bench.clock.sleep_ms(5)

        async def scenario():
            bench.supervisor.critical("busy", 500, busy)
            for _ in range(5):
                await bench.clock.sleep_ms(10)
                bench.supervisor.check(bench.clock.ticks())

        bench.run(scenario)
        self.assertEqual(bench.watchdog.fed, 5)
        self.assertEqual(bench.unsafe, [])

    def test_death_of_a_critical_task_makes_the_site_safe_and_starves_the_watchdog(self):
        bench = Bench()

        async def dying(beat):
            beat()
            raise KeyError("broken")

        async def scenario():
            bench.supervisor.critical("dying", 500, dying)
            await bench.clock.sleep_ms(20)
            bench.supervisor.check(bench.clock.ticks())

        bench.run(scenario)
        self.assertEqual(len(bench.unsafe), 1)
        self.assertIn("dying", bench.unsafe[0])
        self.assertEqual(bench.watchdog.fed, 0)

    def test_a_critical_task_that_just_ends_is_a_failure_too(self):
        bench = Bench()

        async def ending(beat):
            beat()

        async def scenario():
            bench.supervisor.critical("ending", 500, ending)
            await bench.clock.sleep_ms(20)

        bench.run(scenario)
        self.assertIn("ended", bench.supervisor.failure)

    def test_stall_makes_the_site_safe_once(self):
        bench = Bench()

        async def stuck(beat):
            beat()
            await bench.clock.sleep_ms(60000)

        async def scenario():
            bench.supervisor.critical("stuck", 20, stuck)
            await bench.clock.sleep_ms(60)
            bench.supervisor.check(bench.clock.ticks())
            bench.supervisor.check(bench.clock.ticks())

        bench.run(scenario)
        self.assertEqual(len(bench.unsafe), 1)
        self.assertIn("stalled", bench.unsafe[0])
        self.assertEqual(bench.watchdog.fed, 0)

    def test_failure_of_a_helpful_task_harms_nobody(self):
        bench = Bench()

        async def broken():
            raise OSError(5)

        async def scenario():
            bench.supervisor.helpful("broken", broken)
            await bench.clock.sleep_ms(20)
            bench.supervisor.check(bench.clock.ticks())

        bench.run(scenario)
        self.assertEqual(bench.unsafe, [])
        self.assertEqual(bench.watchdog.fed, 1)
        self.assertEqual(bench.supervisor.restarts, 1)
        self.assertIn("broken", bench.log.lines[0][1])


if __name__ == "__main__":
    unittest.main()
