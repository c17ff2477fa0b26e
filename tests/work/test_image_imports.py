"""Pictures that come in over HTTP: only those of the upload itself, and within its limits."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.pictures import SVG, packed, photos, picture, png_that_says
from workshop import PEOPLE, Workshop

from signoff.core.records import Job
from signoff.settings import Settings


def code_of(job: Job) -> tuple[str, str]:
    assert job.error is not None, job
    return str(job.error["code"]), str(job.error["message"])


def stored(shop: Workshop) -> list[Path]:
    return sorted(shop.folder.glob("*/blobs/*/*"))


def test_a_zip_becomes_a_project_of_pictures_and_a_second_its_next_pool(shop: Workshop) -> None:
    job = shop.bring(photos(6), "photos.zip", project="photos")
    assert (job.state, job.error) == ("done", None)
    project = shop.project("photos")
    assert (project.item_kind, project.text_column) == ("image", "file")
    assert len(stored(shop)) == 6
    assert shop.finish(project) == 6
    more = shop.done(shop.ask(shop.upload(photos(8), "more.zip"), into=project))
    assert more.result is not None
    assert (more.result["rows"], more.result["known"]) == (2, 6)
    assert len(stored(shop)) == 8
    view = shop.view(project)
    assert view.verify().ok
    assert view.results()["file"].to_list() == [f"p/{n}.png" for n in range(8)]
    assert not list((shop.folder / "uploads").glob("*"))


def test_a_table_in_the_zip_says_more_of_each_picture(sqlite_shop: Workshop) -> None:
    table = "photo,alt\np/1.png,a wide one\np/0.png,a narrow one\n"
    job = sqlite_shop.bring(photos(3, table), "photos.zip", project="photos")
    assert job.error is None
    assert sqlite_shop.project("photos").text_column == "photo"
    assert sqlite_shop.view().results()["alt"].to_list() == ["a wide one", "a narrow one"]
    assert len(stored(sqlite_shop)) == 2, "pictures that no row names stay outside"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("http://169.254.169.254/latest/meta-data/x.png", "picture_address"),
        ("https://127.0.0.1:5432/x.png", "picture_address"),
        ("file:///etc/hostname", "picture_address"),
        ("/etc/hostname", "picture_path"),
        ("../../../../etc/hostname", "picture_path"),
        ("..\\..\\secret.png", "picture_path"),
        ("p/none.png", "no_picture"),
    ],
)
def test_a_table_reaches_nothing_but_what_came_with_it(
    sqlite_shop: Workshop, name: str, code: str
) -> None:
    table = f"photo\np/0.png\n{name}\n"
    job = sqlite_shop.bring(photos(1, table), "photos.zip", project="photos", text="photo")
    assert code_of(job)[0] == code
    assert code_of(job)[1].startswith("Row 2 of rows.csv in photos.zip: ")
    assert sqlite_shop.store.find_project("photos") is None
    assert stored(sqlite_shop) == []


def test_a_table_alone_never_brings_pictures_of_the_server(sqlite_shop: Workshop) -> None:
    _ = sqlite_shop.bring(photos(2), "photos.zip", project="photos")
    project = sqlite_shop.project("photos")
    _ = sqlite_shop.finish(project)
    # The picture does lie beside the upload, and under the very name.
    upload = sqlite_shop.upload("file\nx.png\n", "t.csv")
    (sqlite_shop.folder / "uploads" / upload / "x.png").write_bytes(picture())
    job = sqlite_shop.done(sqlite_shop.ask(upload, into=project))
    assert code_of(job) == ("no_pictures", "t.csv names pictures, and none came with it.")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (SVG, "wrong_image"),
        (b"<html><script>alert(1)</script></html>", "wrong_image"),
        (png_that_says(60_000, 60_000), "image_too_large"),
        (picture()[:-20], "damaged_image"),
        (picture("GIF", (1, 1), frames=501), "image_too_large"),
    ],
)
def test_a_file_that_is_no_picture_or_becomes_too_large_is_refused(
    sqlite_shop: Workshop, data: bytes, code: str
) -> None:
    content = packed({"a.png": picture(), "b.png": data})
    job = sqlite_shop.bring(content, "photos.zip", project="photos")
    assert code_of(job)[0] == code
    assert "Row 2 of photos.zip: b.png " in code_of(job)[1]
    assert stored(sqlite_shop) == []


def test_a_zip_bomb_is_refused_by_the_limit_of_uploads(sqlite_shop: Workshop) -> None:
    sqlite_shop.runner.settings = Settings(most_upload_bytes=1_000_000)
    bomb = packed({f"{n}.png": bytes(500_000) for n in range(4)})
    assert len(bomb) < 10_000
    job = sqlite_shop.bring(bomb, "bomb.zip", project="photos")
    assert code_of(job) == ("too_large", "bomb.zip unpacks to more than 1,000,000 bytes.")


def test_a_certificate_over_pictures_needs_a_model_that_sees(sqlite_shop: Workshop) -> None:
    certified = {"kind": "certified", "max_error": "0.05", "certainty": "0.95", "slice": None}
    job = sqlite_shop.bring(photos(3), "photos.zip", project="p", policy=certified, model="text")
    assert code_of(job)[1].startswith("The built-in model cannot learn from pictures")
    rows = "".join(f"p/{n}.png,A,0.9\n" for n in range(3))
    table = "photo,prediction,confidence\n" + rows
    job = sqlite_shop.bring(
        photos(3, table), "photos.zip", project="p", policy=PEOPLE, model="predictions"
    )
    assert job.error is None


def test_an_item_erased_by_the_worker_takes_its_picture_along(sqlite_shop: Workshop) -> None:
    _ = sqlite_shop.bring(photos(3), "photos.zip", project="photos")
    project = sqlite_shop.project("photos")
    assert sqlite_shop.view(project).erase_item(1, 1) == 1
    assert len(stored(sqlite_shop)) == 2
    assert sqlite_shop.view(project).verify().ok
