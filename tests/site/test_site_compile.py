"""Products and site files become configurations that the device accepts, or a clear refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway import config
from host_tools.errors import UserError
from host_tools.site import command, products
from host_tools.site.compile import check, load_site
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
        ('product = "no-such"', "no-such"),
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


def test_a_site_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes(b'product = "\xff\xfe"')
    with pytest.raises(UserError, match=r"site\.toml"):
        command.check(str(path))


def test_missing_site_file_and_unwritable_output(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere.toml"):
        command.check(str(tmp_path / "nowhere.toml"))
    with pytest.raises(UserError, match="no-folder"):
        command.build("energalactic-5015-0.5c", str(tmp_path / "no-folder" / "out.json"))


def test_built_file_is_what_the_device_loads(tmp_path: Path) -> None:
    out = tmp_path / "config.json"
    command.build("celestial-energy-2089-0.5c", str(out))
    assert config.load(out.read_text()).integer("cells_per_rack") == 208
    assert json.loads(out.read_text())["schema"] == config.SCHEMA
