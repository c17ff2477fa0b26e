"""Pictures over HTTP: who gets them, as what, and what becomes of them when they are erased."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from offices import OfficeHouse, house_over, words
from tests.pictures import KINDS, packed, photos, picture

from signoff.errors import Exit
from signoff.job import RunOptions
from signoff.sdk import execute
from signoff.server.lookup.reading import preview
from signoff.server.stored import open_served
from signoff.storeview import StoreView

STORE = "a.signoff.db"
MEDIA = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of two projects, pictures of every kind and others, and its key."""
    folder = tmp_path_factory.mktemp("pictures")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SIGNOFF_HOME", str(folder / "home"))
        for name, size in (("photos", (40, 30)), ("others", (9, 9))):
            (folder / name).mkdir()
            for kind in KINDS:
                (folder / name / f"{kind}.png").write_bytes(picture(kind, size))
            done = execute(
                RunOptions(
                    data=str(folder / name),
                    labels=("A", "B"),
                    project=name,
                    reviewer="none",
                    store=str(folder / STORE),
                    out=str(folder / f"{name}.csv"),
                )
            )
            assert done.exit_code == Exit.UNFINISHED
    return folder


@pytest.fixture
def where(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store, to do with as a test likes."""
    copy = Path(shutil.copytree(original, tmp_path / "copy"))
    monkeypatch.setenv("SIGNOFF_HOME", str(copy / "home"))
    return copy / STORE


@pytest.fixture
def house(where: Path) -> Iterator[OfficeHouse]:
    with open_served(str(where)) as store:
        yield house_over(store)


def digest(where: Path, project: str, kind: str) -> str:
    return hashlib.sha256((where.parent / project / f"{kind}.png").read_bytes()).hexdigest()


def address(house: OfficeHouse, project: str, digest: str) -> str:
    found = house.store.find_project(project)
    assert found is not None
    return f"/api/v1/projects/{found.id}/blobs/{digest}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_given_as_what_it_is_and_nothing_else(
    house: OfficeHouse, where: Path, kind: str
) -> None:
    got = house.browser().get(address(house, "photos", digest(where, "photos", kind)))
    assert got.status_code == 200
    assert got.content == (where.parent / "photos" / f"{kind}.png").read_bytes()
    headers = got.headers
    assert headers["content-type"] == MEDIA[kind], "the content says what it is, not its name"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["cache-control"] == "private, max-age=86400, immutable"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["content-disposition"].startswith("inline; ")


def test_other_answers_keep_the_pages_policy_and_are_not_stored(house: OfficeHouse) -> None:
    got = house.browser().get(address(house, "photos", "0" * 64))
    assert (got.status_code, got.json()["code"]) == (404, "no_picture")
    assert "script-src 'self'" in got.headers["content-security-policy"]
    assert got.headers["cache-control"] == "no-store"


def test_a_picture_belongs_to_its_project(house: OfficeHouse, where: Path) -> None:
    mine = digest(where, "photos", "PNG")
    assert house.browser().get(address(house, "others", mine)).status_code == 404
    assert house.client().get(address(house, "photos", mine)).status_code == 401


@pytest.mark.parametrize(
    "name", ["..%2f..%2fa.signoff.db", "%2e%2e", "%00", "A" * 64, "0" * 63, "0" * 65, "~root"]
)
def test_an_address_names_a_digest_or_nothing(house: OfficeHouse, name: str) -> None:
    assert house.browser().get(address(house, "photos", name)).status_code in (400, 404)


def test_what_lies_among_the_pictures_and_is_none_is_not_given(
    house: OfficeHouse, where: Path
) -> None:
    project = house.store.find_project("photos")
    assert project is not None
    house.store.blobs.save(project.id, "ab" * 32, b"<script>alert(1)</script>")
    assert house.browser().get(address(house, "photos", "ab" * 32)).status_code == 404


def test_reviewers_are_shown_pictures_by_their_address(house: OfficeHouse, where: Path) -> None:
    project = house.store.find_project("photos")
    assert project is not None
    got = house.browser().post(f"/api/v1/projects/{project.id}/leases", json={}).json()
    items: list[dict[str, Any]] = [each["item"] for each in got["requests"]]
    assert {item["kind"] for item in items} == {"image"}
    assert {item["text"]: item["image"] for item in items} == {
        f"{kind}.png": address(house, "photos", digest(where, "photos", kind)) for kind in KINDS
    }
    assert all(item["fields"] == {} for item in items)


def test_an_erased_picture_is_gone(house: OfficeHouse, where: Path) -> None:
    gone = address(house, "photos", digest(where, "photos", "GIF"))
    browser = house.browser()
    assert browser.get(gone).status_code == 200
    view = StoreView.open(str(where), "photos")
    assert view.erase("row:1") == 1
    view.close()
    assert browser.get(gone).status_code == 404


def test_the_page_of_an_item_shows_its_picture_covered_where_the_project_says_so(
    house: OfficeHouse, where: Path
) -> None:
    project = house.store.find_project("photos")
    assert project is not None
    page = house.browser().get(f"/projects/{project.id}/items/1/0").text
    assert f'<img src="{address(house, "photos", digest(where, "photos", "GIF"))}"' in page
    assert "signoff_image" not in page
    assert "<summary>Show the picture</summary>" not in page
    house.store.change_page(project.id, replace(project.page, blur=True), [])
    page = house.browser().get(f"/projects/{project.id}/items/1/0").text
    assert "<summary>Show the picture</summary>" in page


def test_a_project_of_pictures_begins_on_the_page(house: OfficeHouse, tmp_path: Path) -> None:
    browser = house.browser()
    table = "photo,alt\np/0.png,small\np/1.png,wide\n"
    got = browser.post(
        "/api/v1/uploads", params={"name": "set.zip"}, content=photos(2, table)
    ).json()
    page = browser.get(f"/new/{got['id']}").text
    assert "Which column names the pictures?" in words(page)
    assert 'name="promise" value="people"' in page
    assert 'value="certificate"' not in page


def test_a_zip_is_looked_into_before_it_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(photos(2))
    found = preview(path, "a.zip")
    assert (found.columns, found.text, found.pictures) == (["file"], "file", True)
    assert list(found.rows) == [["p/0.png"], ["p/1.png"]]
    path.write_bytes(packed({"x.csv": "id,photo\n1,a.png\n", "a.png": picture()}))
    found = preview(path, "a.zip")
    assert (found.text, found.pictures) == ("photo", True)
