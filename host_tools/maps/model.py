"""A register map as objects: what stands in its CSV file, with zero-based addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from host_tools.maps.vocabulary import ALARMS, MEANINGS, SEVERITIES, SUFFIXES, TYPES, UNITS


@dataclass(frozen=True)
class EnumValue:
    """One value of an enum: its raw number, the gateway's word for it ("" = none), its name."""

    raw: int
    means: str
    name: str
    line: int


@dataclass(frozen=True)
class Bit:
    """One bit of a word. `severity` and `alarm` are "" for a bit that is only named or ignored."""

    number: int
    severity: str
    alarm: str
    ignored: bool
    inverted: bool
    name: str
    line: int

    @property
    def slot_name(self) -> str:
        """Summary field that the bit goes to."""
        return SEVERITIES[self.severity]

    @property
    def target(self) -> int:
        """Bit number in that field."""
        return ALARMS.index(self.alarm)


@dataclass(frozen=True)
class Item:
    """A value or array that is read, or a register that is written.

    `address` is zero-based and that of the first register. `bits` is (lowest, width). `low` and
    `high` are the plausible range in the unit of the name, raw numbers of a write.
    """

    row: str
    line: int
    name: str
    function: int
    address: int
    kind: str
    high_first: bool = True
    length: int = 0
    bits: tuple[int, int] | None = None
    unit: str = ""
    scale: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    scale_by: str = ""
    low: int | None = None
    high: int | None = None
    absent: tuple[int, ...] = ()
    poll: str = ""
    group: str = ""
    optional: str = ""
    fixed: bool = False
    shared: bool = False
    zero: bool = False
    base: int = 0
    module: tuple[int, int, int, int] | None = None
    clamp: tuple[int, int] | None = None
    expect: tuple[tuple[int, int] | str, ...] = ()
    default: int = 0
    step: int = 0
    per: int = 0
    module_step: int = 0
    join: bool = False
    first: int = 0
    every: int = 1
    write_functions: tuple[int, ...] = ()
    note: str = ""
    enum: list[EnumValue] = field(default_factory=list)
    bit_names: list[Bit] = field(default_factory=list)

    @property
    def words(self) -> int:
        """Registers (or coils) of one value."""
        return self.length or TYPES[self.kind][0]

    @property
    def registers(self) -> range:
        """Addresses that the value stands on; of an array, of its first element."""
        return range(self.address, self.address + self.words)

    @property
    def measures(self) -> str:
        """What the unit of the map measures."""
        return UNITS[self.unit][0]

    @property
    def suffix(self) -> str:
        """The unit at the end of the name; "" when there is none."""
        end = self.name.rsplit("_", 1)[-1]
        return end if end in SUFFIXES and self.measures else ""

    @property
    def factor(self) -> Fraction:
        """Gateway units per raw unit (before a scale register is applied)."""
        per_base = SUFFIXES[self.suffix][1] if self.suffix else Fraction(1)
        return self.scale * UNITS[self.unit][1] * per_base

    @property
    def addend(self) -> Fraction:
        """What is added after scaling, in gateway units."""
        per_base = SUFFIXES[self.suffix][1] if self.suffix else Fraction(1)
        return self.offset * UNITS[self.unit][1] * per_base - self.base

    @property
    def raw_range(self) -> tuple[int, int]:
        """Lowest and highest raw number the type and the bit range can hold."""
        _, low, high = TYPES[self.kind]
        if self.bits is None:
            return low, high
        width = self.bits[1]
        return (-(1 << width - 1), (1 << width - 1) - 1) if low < 0 else (0, (1 << width) - 1)

    @property
    def is_alarm(self) -> bool:
        """A word of the summary whose bits become alarms, not a value."""
        return self.unit == "bits" and self.poll == "summary"

    def meaning(self, word: str) -> int:
        """The gateway's number of an enum's word."""
        return MEANINGS[self.name][word]


@dataclass(frozen=True)
class Span:
    """A hole that may be read over, or a barrier."""

    line: int
    function: int
    address: int
    count: int
    note: str


@dataclass(frozen=True)
class Command:
    """A use of a written register: `to` names it."""

    line: int
    name: str
    to: str
    values: tuple[int, ...]
    options: dict[str, str]
    note: str


@dataclass
class RegisterMap:
    """A whole map. `arrays`, `writes` and so on are in the order of the file."""

    name: str
    meta: dict[str, str]
    items: list[Item] = field(default_factory=list)
    arrays: list[Item] = field(default_factory=list)
    writes: list[Item] = field(default_factory=list)
    derived: dict[str, str] = field(default_factory=dict)
    holes: list[Span] = field(default_factory=list)
    barriers: list[Span] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    @property
    def module_name(self) -> str:
        """Python name of the generated module."""
        return self.name.replace("-", "_").replace(".", "_")

    def number(self, key: str) -> int:
        """A number of the map's properties; ValueError when it is none."""
        try:
            return int(self.meta[key], 0)
        except ValueError:
            raise ValueError(f"meta {key}: {self.meta[key]!r} is no whole number") from None

    @property
    def low_byte_first(self) -> bool:
        """Whether the two bytes of a register come in the unusual order."""
        return self.meta["byte_order"] == "low first"

    @property
    def started(self) -> tuple[str, tuple[int, ...]] | None:
        """Summary field and its values that say "readings are real now"; None = always."""
        text = self.meta["started"]
        if not text:
            return None
        name, _, words = text.partition("=")
        name = name.strip()
        return name, tuple(MEANINGS[name][word.strip()] for word in words.split("|"))

    def item(self, name: str) -> Item:
        """The value called `name`; KeyError when there is none."""
        for item in self.items:
            if item.name == name:
                return item
        raise KeyError(name)

    def write(self, name: str) -> Item:
        """The written register called `name`; KeyError when there is none."""
        for item in self.writes:
            if item.name == name:
                return item
        raise KeyError(name)

    def command(self, name: str) -> Command | None:
        """The command called `name`."""
        for command in self.commands:
            if command.name == name:
                return command
        return None

    def in_poll(self, poll: str) -> list[Item]:
        """Values of one poll class by address."""
        return sorted(
            (item for item in self.items if item.poll == poll),
            key=lambda item: (item.function, item.address),
        )

    @property
    def detail_names(self) -> list[str]:
        """Names of what `details` and `once` bring, in the firmware's order."""
        return [item.name for poll in ("details", "once") for item in self.in_poll(poll)]

    @property
    def threshold_names(self) -> list[str]:
        """Names of what `request` brings."""
        return [item.name for item in self.in_poll("request")]
