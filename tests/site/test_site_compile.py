"""Products and site files become configurations that the device accepts, or a clear refusal."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest

from gateway import config
from gateway.config import curves as config_curves
from gateway.config import file as config_file
from gateway.config import rules as config_rules
from gateway.config.settings import SCHEMA
from host_tools.errors import UserError
from host_tools.site import command, products
from host_tools.site.compile import check, load_site
from host_tools.site.derating_curves import CURVES
from host_tools.site.limits import default_limits

# slug: (racks, cells per rack, cells on site), from the product handbook
HANDBOOK = {
    "energalactic-5015-0.5c": (12, 416, 4992),
    "energalactic-5015-0.5c-1p104s": (12, 416, 4992),
    "energalactic-3727-1c": (10, 416, 4160),
    "celestial-energy-5015-0.5c": (12, 416, 4992),
    "celestial-energy-3340-0.5c": (8, 416, 3328),
    "celestial-energy-2089-0.5c": (10, 208, 2080),
    "celestial-energy-835-690v-0.5c": (2, 416, 832),
    "celestial-energy-835-800v-0.5c": (2, 416, 832),
    "celestial-energy-835-400v-0.5c": (4, 208, 832),
}


def test_every_product_of_the_handbook_is_there_and_no_other() -> None:
    assert sorted(products.slugs()) == sorted(HANDBOOK)


@pytest.mark.parametrize("slug", HANDBOOK)
def test_product_compiles_to_a_configuration_the_device_accepts(slug: str) -> None:
    racks, cells, on_site = HANDBOOK[slug]
    product, tree = load_site(slug)
    loaded = check(tree, slug)
    assert (len(loaded.racks), product.cells_per_rack) == (racks, cells)
    assert len(loaded.racks) * loaded.integer("cells_per_rack") == on_site


@pytest.mark.parametrize("slug", HANDBOOK)
def test_trip_limits_respect_cell_class_and_rating(slug: str) -> None:
    product = products.load_product(slug)
    limits = default_limits(product)
    assert limits["cell_overvoltage"]["l3"]["set"] <= 3650
    assert limits["cell_undervoltage"]["l3"]["set"] >= 2500
    rack_trip_dv = limits["rack_overvoltage"]["l3"]["set"]
    assert rack_trip_dv <= 15000 - 100
    assert rack_trip_dv <= product.cells_per_rack * 36.5
    for rule, rating in (
        ("charge_overcurrent", product.charge_current_a),
        ("discharge_overcurrent", product.discharge_current_a),
    ):
        assert limits[rule]["l1"]["set"] > rating * 10
        assert limits[rule]["l3"]["set"] <= rating * 12.5


def test_charging_of_the_280_ah_product_is_limited_to_the_rate_of_its_cell() -> None:
    _, tree = load_site("energalactic-3727-1c")
    assert (tree["charge_current_da"], tree["discharge_current_da"]) == (1400, 2800)


def test_limits_are_those_that_the_device_wants_and_no_more() -> None:
    limits = default_limits(products.load_product("celestial-energy-3340-0.5c"))
    wanted = {
        row[config_rules.NAME]: [
            level
            for level, reaction in zip(
                config_rules.LEVELS, row[config_rules.REACTIONS], strict=True
            )
            if reaction != config_rules.NONE
        ]
        for row in config_rules.RULES
    }
    wanted["cell_undervoltage_cold"] = ["l1", "l2", "l3"]
    assert {rule: list(levels) for rule, levels in limits.items()} == wanted


@pytest.mark.parametrize(
    ("slug", "rule", "set_points"),
    [
        ("energalactic-5015-0.5c", "voltage_sum", [50, 100]),
        ("celestial-energy-2089-0.5c", "voltage_sum", [25, 50]),
        ("energalactic-5015-0.5c", "insulation", [1480, 740, 200]),
        ("celestial-energy-5015-0.5c", "insulation", [1500, 750, 203]),
        ("celestial-energy-2089-0.5c", "insulation", [740, 370, 100]),
        ("energalactic-5015-0.5c", "rack_overvoltage", [14560, 14768, 14900]),
        ("celestial-energy-2089-0.5c", "rack_overvoltage", [7280, 7384, 7488]),
        ("celestial-energy-2089-0.5c", "rack_undervoltage", [6032, 5824, 5616]),
        ("energalactic-3727-1c", "discharge_overcurrent", [2940, 3220, 3500]),
        ("energalactic-3727-1c", "charge_overcurrent", [1470, 1610, 1750]),
        ("energalactic-3727-1c", "charge_peak_current", [5880]),
        ("energalactic-5015-0.5c", "discharge_peak_current", [6594]),
    ],
)
def test_set_points_go_with_cells_voltage_and_rating(
    slug: str, rule: str, set_points: list[int]
) -> None:
    limits = default_limits(products.load_product(slug))[rule]
    assert [level["set"] for level in limits.values()] == set_points


def test_no_current_is_left_where_a_rule_stops_it() -> None:
    limits = default_limits(products.load_product("energalactic-5015-0.5c"))
    for name, rule, side in config_curves.CURVES:
        last = CURVES[name][-1] if side > 0 else CURVES[name][0]
        assert last == [limits[rule]["l2"]["set"], 0]


def test_the_configuration_names_capacity_reset_button_and_curves() -> None:
    _, tree = load_site("energalactic-3727-1c")
    loaded = check(tree, "test")
    assert loaded.integer("capacity_dah") == 2800
    (button,) = loaded.inputs
    assert (button.name, button.number, button.role, button.on_level) == ("reset", 0, "reset", 1)
    assert loaded.curves["charge_by_cell_max_mv"][-1] == (3600, 0)


def test_another_cell_keeps_the_rate_of_the_product(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text('product = "celestial-energy-835-690v-0.5c"\ncell = "lfp-588"\n')
    product, tree = load_site(str(path))
    loaded = check(tree, "test")
    assert loaded.integer("capacity_dah") == 5880
    assert loaded.integer("charge_current_da") == loaded.integer("discharge_current_da") == 2940
    assert product.rack_energy_kwh == pytest.approx(782.7, abs=0.1)
    assert tree["limits"]["charge_peak_current"]["l3"]["set"] == 12348


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'product = "energalactic-3727-1c"\ncell = "lfp-588"',
            "588 A is more than the cell's 0.5 C",
        ),
        ('product = "energalactic-3727-1c"\ncell = "lfp-1"', "no 'lfp-1'; there are: lfp-280"),
        ('product = "energalactic-3727-1c"\ncell = 280', "cell: needs the name of a cell"),
    ],
)
def test_a_cell_that_does_not_fit_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"site\.toml: .*{words}"):
        load_site(str(path))


def test_site_file_overrides_single_values(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(
        'product = "celestial-energy-835-690v-0.5c"\nsite = "plant-7"\n'
        "[poll]\nsummary_period_ms = 250\n"
        "[limits.cell_overvoltage.l3]\nset = 3640\n"
    )
    _, tree = load_site(str(path))
    loaded = check(tree, "test")
    assert loaded.text("site") == "plant-7"
    assert loaded.integer("poll.summary_period_ms") == 250
    assert loaded.limits["cell_overvoltage"][2].set_point == 3640
    assert loaded.limits["cell_overvoltage"][2].clear_point == 3450


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "product"),
        ('product = "no-such"', "product: no product 'no-such'"),
        ("product = 3", "product"),
        ("product = \n", "line 1"),
        (
            'product = "energalactic-5015-0.5c"\n[limits.cell_overvoltage.l3]\nset = 3700',
            "limits.cell_overvoltage.l3.set: 3700 is outside",
        ),
        ('product = "energalactic-5015-0.5c"\n[pol]\nx = 1', "pol: no such setting"),
        ('product = "energalactic-5015-0.5c"\nracks = []', "racks"),
    ],
)
def test_bad_site_files_are_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text)
    with pytest.raises(UserError, match="site.toml|SITE") as caught:
        command.check(str(path))
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_device_configuration_needs_addresses_of_real_racks(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text('product = "celestial-energy-835-690v-0.5c"\n')
    command.check(str(path))
    with pytest.raises(UserError, match="racks: missing"):
        command.build(str(path), str(tmp_path / "out.json"))
    racks = "".join(
        f'[[racks]]\nname = "rack{n}"\nhost = "10.0.0.{n}"\nport = 502\nunit = 1\n'
        f"trip_relay = {n}\n"
        for n in (1, 2)
    )
    path.write_text(f'product = "celestial-energy-835-690v-0.5c"\n{racks}')
    command.build(str(path), str(tmp_path / "out.json"))
    assert "10.0.0.2" in (tmp_path / "out.json").read_text()


def test_a_site_without_a_service_key_is_told_what_nobody_can_release(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "site.toml"
    site = 'product = "celestial-energy-835-690v-0.5c"\n'
    key = (
        '[[inputs]]\nname = "push"\nnumber = 0\nrole = "reset"\n'
        '[[inputs]]\nname = "key"\nnumber = 1\nrole = "service_key"\n'
    )
    for text, told in ((site, True), (site + key, False)):
        path.write_text(text)
        command.check(str(path))
        lines = capsys.readouterr().out.splitlines()
        found = [line for line in lines if "service_key" in line]
        assert bool(found) == told
        assert all("formatted" in line and "deep_discharge" in line for line in found)


def test_a_site_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes(b'product = "\xff\xfe"')
    with pytest.raises(UserError, match=r"site\.toml: is not a text file \(UTF-8\)$"):
        command.check(str(path))


def test_a_folder_in_the_place_of_a_site_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{tmp_path}/?: is a folder, needs .* a site file"):
        command.check(f"{tmp_path}/")


def test_a_date_is_refused_with_its_key(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(
        'product = "celestial-energy-835-690v-0.5c"\nsite = 2026-11-20\n'
        '[[inputs]]\nname = "reset"\nnumber = 07:30:00\nrole = "reset"\n'
    )
    with pytest.raises(
        UserError, match=r"site: 2026.* is a date .*inputs\[0\]\.number: 07.* is a date"
    ):
        command.check(str(path))


def test_missing_site_file_and_unwritable_output(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere.toml"):
        command.check(str(tmp_path / "nowhere.toml"))
    with pytest.raises(UserError, match="no-folder"):
        command.build("energalactic-5015-0.5c", str(tmp_path / "no-folder" / "out.json"))


class Folder:
    """What the device asks of its storage."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, name: str, mode: str):
        return (self._path / name).open(mode)


def test_the_checksum_goes_with_the_file_and_follows_every_change(tmp_path: Path) -> None:
    out = tmp_path / "plant.json"
    seen = set()
    for site in ("celestial-energy-2089-0.5c", "energalactic-5015-0.5c"):
        command.build(site, str(out))
        text = (tmp_path / "plant.crc").read_text()
        assert text == f"{zlib.crc32(out.read_bytes()):08x}\n"
        seen.add(text)
    assert len(seen) == 2


def test_a_configuration_cannot_have_the_name_of_its_checksum(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="config.crc: .crc is for the checksum"):
        command.build("celestial-energy-2089-0.5c", str(tmp_path / "config.crc"))
    assert not any(tmp_path.iterdir())


def test_built_file_is_what_the_device_loads(tmp_path: Path) -> None:
    out = tmp_path / "config.json"
    command.build("celestial-energy-2089-0.5c", str(out))
    assert config_file.load(Folder(tmp_path)).integer("cells_per_rack") == 208
    assert config.load(out.read_text()).integer("cells_per_rack") == 208
    assert json.loads(out.read_text())["schema"] == SCHEMA
