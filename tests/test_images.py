"""Pictures as items, from the data to the certificate: what is stored, shown, learnt and erased."""

from __future__ import annotations

import hashlib
import json
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.pictures import SVG, picture

from signoff import Threshold, run
from signoff.bootstrap import open_store
from signoff.core.items import Answers, Item, Items, Predictions
from signoff.errors import InputError, SignoffError, StoreChanged, UsageError
from signoff.sdk import Result
from signoff.store.store import SqlStore
from signoff.storeview import StoreView

LABELS = ("Light", "Dark")
COUNT = 16
"""Different pictures."""


def paint(folder: Path, numbers: range) -> None:
    """Pictures of these numbers; odd ones are light."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in numbers:
        shade = 190 + n % 64 if n % 2 else n % 64
        data = picture(("PNG", "GIF")[n % 3 == 0], colour=f"rgb({shade},{shade},{n // 64})")
        (folder / f"{n}.png").write_bytes(data)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A table of pictures in a folder beside it; two of them are the same."""
    folder = tmp_path / "photos"
    paint(folder / "img", range(COUNT))
    rows = ["file,who", *(f"img/{n}.png,ann" for n in range(COUNT))]
    (folder / "img" / "copy.png").write_bytes((folder / "img" / "7.png").read_bytes())
    rows.append("img/copy.png,bob")
    (folder / "t.csv").write_text("\n".join(rows) + "\n")
    return folder


def with_gold(photos: Path, count: int) -> str:
    """A table of so many pictures with the right label of each."""
    paint(photos / "img", range(count))
    rows = [f"img/{n}.png,{LABELS[1 - n % 2]}" for n in range(count)]
    (photos / "gold.csv").write_text("\n".join(["file,gold", *rows]) + "\n")
    return str(photos / "gold.csv")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def by_content(item: Item) -> str:
    """A person who looks at the picture: odd numbers are light."""
    stem = Path(item.text).stem
    return "Light" if int("7" if stem == "copy" else stem) % 2 else "Dark"


def label(data: object, where: Path, **options: object) -> Result:
    given = {"reviewer": by_content, "item_kind": "image", "store": where, **options}
    return run(data, labels=LABELS, **given)  # type: ignore[arg-type]


def blobs(where: Path) -> set[str]:
    """The names of all pictures that a store keeps."""
    folder = where.with_name(where.name.removesuffix(".db") + ".artifacts")
    return {path.name for path in folder.glob("*/blobs/*/*")}


def view(where: Path) -> StoreView:
    return StoreView.open(str(where))


# -------------------------------------------------------------------------------- the way


def test_people_answer_pictures_and_the_log_commits_to_their_bytes(
    photos: Path, tmp_path: Path
) -> None:
    where = tmp_path / "a.db"
    shown: list[Item] = []

    def person(item: Item) -> str:
        shown.append(item)
        return by_content(item)

    result = label(str(photos / "t.csv"), where, reviewer=person)
    assert result.finished
    assert result.certificate is None
    assert result.counts["rows"] == COUNT + 1
    assert result.counts["human"] == COUNT, "equal pictures are one item, whatever they are called"
    found = result.results
    assert found["file"].to_list()[:2] == ["img/0.png", "img/1.png"]
    assert found["signoff_image"][5] == digest(photos / "img" / "5.png")
    assert found.filter(file="img/copy.png")["signoff_answer"].to_list() == ["Light"]
    assert shown[0].text.startswith("img/")
    assert blobs(where) == {digest(path) for path in photos.glob("img/*")}
    opened = view(where)
    assert opened.verify().ok
    opened.export_log(str(tmp_path / "log.jsonl"), content=True)
    opened.close()
    assert digest(photos / "img" / "5.png") in (tmp_path / "log.jsonl").read_text()


def test_the_originals_may_go_once_they_are_in(photos: Path, tmp_path: Path) -> None:
    where = tmp_path / "a.db"
    _ = label(str(photos / "t.csv"), where, reviewer="none")
    for path in photos.glob("img/*"):
        path.unlink()
    opened = view(where)
    assert opened.verify().ok
    opened.close()
    with pytest.raises(InputError, match=r"Row 1 of t\.csv: img/0\.png is not in the folder"):
        _ = label(str(photos / "t.csv"), where)


def test_the_same_data_again_are_no_news_and_new_pictures_are_the_next_pool(
    photos: Path, tmp_path: Path
) -> None:
    where = tmp_path / "a.db"
    _ = label(photos, where)
    assert label(photos, where).counts["pools"] == 1
    (photos / "img" / "40.png").write_bytes(picture("WEBP"))
    # Under another name it is the same picture: what was said of it is not asked again.
    (photos / "img" / "41.png").write_bytes((photos / "img" / "9.png").read_bytes())
    asked: list[str] = []

    def person(item: Item) -> str:
        asked.append(item.text)
        return by_content(item)

    again = label(photos, where, reviewer=person)
    assert again.counts["pools"] == 2
    assert asked == ["img/40.png"]
    assert again.results.filter(file="img/41.png")["signoff_answer"].to_list() == ["Light"]
    opened = view(where)
    assert opened.verify().ok
    opened.close()


def test_a_changed_picture_under_a_known_key_is_refused(photos: Path, tmp_path: Path) -> None:
    where = tmp_path / "a.db"
    _ = label(str(photos / "t.csv"), where, key="file")
    (photos / "img" / "3.png").write_bytes(picture(colour="blue"))
    with pytest.raises(StoreChanged, match=r"img/3\.png"):
        _ = label(str(photos / "t.csv"), where)


@pytest.mark.parametrize("way", ["folder", "zip", "zip with table", "frame", "elsewhere"])
def test_pictures_come_in_every_way(photos: Path, tmp_path: Path, way: str) -> None:
    where, options = tmp_path / "a.db", {}
    data: object = photos
    if way.startswith("zip"):
        data = tmp_path / "p.zip"
        with zipfile.ZipFile(data, "w") as archive:
            for path in sorted(photos.rglob("*")):
                if path.suffix == ".png" or (path.suffix == ".csv" and way != "zip"):
                    archive.write(path, path.relative_to(tmp_path))
    elif way == "frame":
        data = pl.read_csv(photos / "t.csv")
        options = {"images": photos}
    elif way == "elsewhere":
        data = tmp_path / "moved.csv"
        data.write_bytes((photos / "t.csv").read_bytes())
        options = {"images": str(photos)}
    if way in ("folder", "zip", "zip with table"):
        options = {"item_kind": None}
    result = label(data, where, **options)
    assert (result.finished, result.counts["human"]) == (True, COUNT)
    assert ("who" in result.results.columns) == (way not in ("folder", "zip"))
    opened = view(where)
    assert opened.verify().ok
    opened.close()


# ------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("https://evil.example/x.png", None, "picture_address"),
        ("/etc/passwd", None, "picture_path"),
        ("../t.png", None, "picture_path"),
        ("img/gone.png", None, "no_picture"),
        ("img/x.svg", SVG, "wrong_image"),
        ("img/x.png", SVG, "wrong_image"),
        ("img/x.png", b"", "wrong_image"),
        ("img/x.png", picture()[:-9], "damaged_image"),
        ("", None, "input"),
    ],
)
def test_a_row_whose_picture_cannot_be_shown_is_named_before_anything_is_made(
    photos: Path, tmp_path: Path, name: str, data: bytes | None, code: str
) -> None:
    if data is not None:
        (photos / name).write_bytes(data)
    (photos / "bad.csv").write_text(f"file,n\nimg/0.png,1\n{name},2\n")
    where = tmp_path / "a.db"
    with pytest.raises(InputError) as error:
        _ = label(str(photos / "bad.csv"), where, text="file")
    assert error.value.code == code
    assert error.value.message.startswith("Row 2 of bad.csv: ")
    assert error.value.hint
    assert not where.exists()


def test_a_picture_that_changes_while_it_is_read_is_refused(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tmp_path / "a.db"
    real = SqlStore.add_pool

    def changed_first(self: SqlStore, *given: object, **more: object) -> None:
        (photos / "img" / "5.png").write_bytes(picture(colour="green"))
        real(self, *given, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(SqlStore, "add_pool", changed_first)
        with pytest.raises(InputError, match=r"img/5\.png changed while it was read"):
            _ = label(photos, where)
    assert label(photos, where).finished, "the next run finds nothing half done"


def test_parts_of_a_text_cannot_be_marked_in_a_picture(photos: Path, tmp_path: Path) -> None:
    from signoff.core.questions import Spans

    question = Spans.of(["a"])
    with pytest.raises(UsageError, match="these items are pictures"):
        _ = run(photos, question=question, store=tmp_path / "a.db", reviewer="none")


# --------------------------------------------------------------------------------- models


def test_the_built_in_model_does_not_pretend_to_see(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot learn from pictures"):
        _ = label(photos, tmp_path / "a.db", policy=Threshold(confidence=0.9))
    assert label(photos, tmp_path / "b.db", model="text").counts["automatic"] == 0


@cache
def brightness(path: str) -> float:
    from PIL import Image

    with Image.open(path) as image:
        return float(np.asarray(image.convert("L")).mean()) / 255


def test_a_callable_is_handed_the_files(photos: Path, tmp_path: Path) -> None:
    seen: list[object] = []

    def model(files: list[str]) -> list[tuple[str, float]]:
        seen.extend(files)
        return [("Light" if brightness(file) > 0.5 else "Dark", 0.99) for file in files]

    where = tmp_path / "a.db"
    policy = Threshold(confidence=0.8)
    data = with_gold(photos, 150)
    result = label(data, where, model=model, policy=policy, seed=1, reviewer="column:gold")
    assert result.counts["automatic"] > 0
    assert result.results["signoff_answer"].to_list() == result.results["gold"].to_list()
    assert all(Path(str(file)).is_relative_to(tmp_path / "a.artifacts") for file in seen)
    assert {Path(str(file)).name for file in seen} == blobs(where)


class Learner:
    """Learns the mean brightness of each label."""

    def fit(self, items: Items, answers: Answers, *, rng: np.random.Generator) -> Model:
        files = items.images
        assert files is not None
        light = np.array([brightness(file) for file in files])
        codes = np.unique(answers.codes)
        return Model({int(code): float(light[answers.codes == code].mean()) for code in codes})


class Model:
    def __init__(self, means: dict[int, float]) -> None:
        self.means = means
        self.version = f"brightness-{sorted(means.items())}"

    def predict(self, items: Items) -> Predictions:
        light = np.array([brightness(file) for file in items.images or []])
        codes = list(self.means)
        far = np.abs(light[:, None] - np.array([self.means[code] for code in codes]))
        nearest = far.argmin(axis=1) if len(light) else np.zeros(0, np.int64)
        return Predictions(
            answer=np.array(codes)[nearest],
            raw_score=1 - far.min(axis=1) if len(light) else np.zeros(0),
        )


def test_a_learner_learns_from_the_files_and_goes_on_in_the_next_pool(
    photos: Path, tmp_path: Path
) -> None:
    where = tmp_path / "a.db"
    for count in (150, 200):
        result = label(
            with_gold(photos, count),
            where,
            model=Learner(),
            policy=Threshold(confidence=0.8),
            seed=1,
            reviewer="column:gold",
        )
        assert result.finished
        assert result.counts["automatic"] > 0
        assert result.results["signoff_answer"].to_list() == result.results["gold"].to_list()
    opened = view(where)
    assert opened.verify().ok
    opened.close()


# -------------------------------------------------------------------------------- erasure


def test_erasing_an_item_removes_its_picture_and_the_log_still_verifies(
    photos: Path, tmp_path: Path
) -> None:
    where = tmp_path / "a.db"
    _ = label(str(photos / "t.csv"), where)
    gone = digest(photos / "img" / "7.png")
    opened = view(where)
    assert opened.erase("row:8") == 2, "both rows that show it"
    assert gone not in blobs(where)
    assert len(blobs(where)) == COUNT - 1
    verdict = opened.verify()
    assert verdict.ok
    assert verdict.blanks > 0
    assert gone not in json.dumps(opened.results().to_dicts())
    opened.close()
    again = label(str(photos / "t.csv"), where)
    assert again.counts["pools"] == 1, "what was erased does not come back"
    assert gone not in blobs(where)


def test_a_picture_that_another_item_shows_stays(photos: Path, tmp_path: Path) -> None:
    where = tmp_path / "a.db"
    _ = label(str(photos / "t.csv"), where, group=False)
    same = digest(photos / "img" / "7.png")
    opened = view(where)
    assert opened.erase("row:8") == 1
    assert same in blobs(where)
    assert opened.verify().ok
    assert opened.erase(f"row:{COUNT + 1}") == 1
    assert same not in blobs(where)
    assert opened.verify().ok
    opened.close()


def test_what_no_row_names_is_swept(photos: Path, tmp_path: Path) -> None:
    where = tmp_path / "a.db"
    _ = label(photos, where, reviewer="none")
    store = open_store(str(where), create=False)
    project = store.find_project(None)
    assert project is not None
    store.blobs.save(project.id, "ab" * 32, b"left behind by a killed run")
    store.sweep(project.id)
    assert "ab" * 32 not in blobs(where)
    assert len(blobs(where)) == COUNT
    store.close()


# --------------------------------------------------------------------------- verification


@pytest.mark.parametrize("how", ["changed", "missing"])
def test_verification_finds_a_picture_that_is_not_as_it_was(
    photos: Path, tmp_path: Path, how: str
) -> None:
    where = tmp_path / "a.db"
    _ = label(photos, where, reviewer="none")
    (path,) = (tmp_path / "a.artifacts").glob(f"*/blobs/*/{digest(photos / 'img' / '5.png')}")
    if how == "changed":
        path.write_bytes(picture(colour="pink"))
    else:
        path.unlink()
    opened = view(where)
    verdict = opened.verify()
    opened.close()
    assert not verdict.ok
    assert verdict.problem is not None
    assert verdict.problem.reason.startswith("The picture ")


def test_a_row_whose_digest_was_changed_does_not_verify(photos: Path, tmp_path: Path) -> None:
    where = tmp_path / "a.db"
    _ = label(photos, where, reviewer="none")
    store = open_store(str(where), create=False)
    project = store.find_project(None)
    assert project is not None
    (pool,) = store.pools(project.id)
    frame = store.rows(pool)
    other = frame["signoff_image"][0]
    moved = frame.with_columns(signoff_image=pl.lit(other))
    sha256 = store.artifacts.write(project.id, "rows", pool.rows_root, moved)
    import sqlalchemy as sa

    from signoff.store.schema import artifacts

    with store.transaction() as db:
        db.execute(sa.update(artifacts).where(artifacts.c.name == "rows").values(sha256=sha256))
    store.close()
    opened = view(where)
    with_problem: object
    try:
        with_problem = opened.verify().problem
    except SignoffError as error:
        with_problem = error
    opened.close()
    assert with_problem is not None
