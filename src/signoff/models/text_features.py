"""Word, word-pair and character n-gram TF-IDF of short texts, from one stream of token ids.

Texts are cut into tokens once; everything else is arithmetic on integer arrays. Character n-grams
(with word boundaries) depend on a word alone, so they are found once per *distinct* word: the
n-gram counts of a text are its word counts times a word-by-n-gram matrix. That costs a fraction
of cutting every text into n-grams and needs no n-gram dictionary: n-grams are hashed.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+(?:'\w+)?|[^\w\s]+")
LONGEST_TOKEN = 64  # characters of a token that count
LONGEST_TEXT = 20_000  # characters of a text that count
NGRAMS = (3, 4, 5)
BUCKETS = 1 << 20
CHUNK = 20_000  # texts per chunk
STATISTICS = 100_000  # texts that document frequencies are counted on
ON_DISK = 16_000_000  # tokens from which the stream lives in a memory-mapped file
PAIR_WEIGHT = 0.5**0.5  # of word pairs beside words and n-grams (squared: half the kernel)

Csr = sp.csr_matrix


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Texts as token ids: text i is ``ids[offsets[i]:offsets[i + 1]]`` into ``words``."""

    words: list[str]
    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1


def tokenise(texts: Sequence[str]) -> list[str]:
    """The tokens of each text, one list; for showing, not for pools.

    >>> tokenise(["Don't panic!"])
    ["don't", 'panic', '!']
    """
    return [token for text in texts for token in _tokens(text)]


def _tokens(text: str) -> list[str]:
    return [token[:LONGEST_TOKEN] for token in TOKEN.findall(text[:LONGEST_TEXT].lower())]


def read_stream(texts: Iterator[Sequence[str]]) -> Stream:
    """Token ids of all texts, chunk by chunk; a large stream is memory-mapped on disk."""
    ids_of: dict[str, int] = {}
    parts: list[NDArray[np.int32]] = []
    lengths: list[NDArray[np.int64]] = []
    for chunk in texts:
        ids: list[int] = []
        sizes = np.empty(len(chunk), dtype=np.int64)
        for row, text in enumerate(chunk):
            tokens = _tokens(text)
            ids += [ids_of.setdefault(token, len(ids_of)) for token in tokens]
            sizes[row] = len(tokens)
        parts.append(np.array(ids, dtype=np.int32))
        lengths.append(sizes)
    offsets = np.concatenate([[0], np.cumsum(np.concatenate([*lengths, np.zeros(0, np.int64)]))])
    return Stream(list(ids_of), _joined(parts), offsets.astype(np.int64))


def _joined(parts: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    """One array of the parts: in memory, or in an unnamed temporary file when large."""
    size = sum(len(part) for part in parts)
    if size < ON_DISK:
        return np.concatenate([*parts, np.zeros(0, dtype=np.int32)])
    with tempfile.TemporaryFile(prefix="signoff-") as file:
        for part in parts:
            file.write(part.tobytes())
        file.flush()
        return np.memmap(file, dtype=np.int32, mode="r", shape=(size,))


def ngram_matrix(words: Sequence[str]) -> Csr:
    """(words, BUCKETS) counts of each word's hashed character n-grams, boundaries included."""
    joined = "".join(f"<{word}>" for word in words)
    lengths = np.fromiter((len(word) + 2 for word in words), dtype=np.int64, count=len(words))
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    codes = codes.astype(np.uint64)
    ends = np.repeat(np.cumsum(lengths), lengths)
    owner = np.repeat(np.arange(len(words), dtype=np.int32), lengths)
    rows: list[NDArray[np.int32]] = []
    columns: list[NDArray[np.int32]] = []
    for size in NGRAMS:
        starts = np.flatnonzero(np.arange(len(codes)) + size <= ends)
        rows.append(owner[starts])
        columns.append(_bucket(codes, starts, size))
    row = np.concatenate(rows)
    ones = np.ones(len(row), dtype=np.float32)
    return sp.csr_matrix((ones, (row, np.concatenate(columns))), shape=(len(words), BUCKETS))


def _bucket(codes: NDArray[np.uint64], starts: NDArray[np.int64], size: int) -> NDArray[np.int32]:
    """Hash of ``codes[start:start + size]``: FNV-1a over code points, mixed, into BUCKETS."""
    value = np.full(len(starts), 14695981039346656037 + size, dtype=np.uint64)
    for shift in range(size):
        value = (value ^ codes[starts + shift]) * np.uint64(1099511628211)
    value ^= value >> np.uint64(29)
    value *= np.uint64(0xBF58476D1CE4E5B9)
    return ((value >> np.uint64(32)) % np.uint64(BUCKETS)).astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """What a vectoriser knows of one stream's words: their columns and their n-grams."""

    column: NDArray[np.int64]
    ngrams: Csr


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Vectoriser:
    """Texts -> one sparse row each: words | word pairs | n-grams, each part of length 1.

    ``words``: the words with a column. ``pairs``: sorted ``first * len(words) + second``.
    ``buckets``: sorted n-gram buckets with a column. ``idf``: one per column, in that order.
    """

    words: tuple[str, ...]
    pairs: NDArray[np.int64]
    buckets: NDArray[np.int64]
    idf: NDArray[np.float32]
    column_of: Mapping[str, int] = field(init=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "column_of", {word: i for i, word in enumerate(self.words)})
        object.__setattr__(self, "digest", self._digest())

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.words) + len(self.pairs) + len(self.buckets)

    @classmethod
    def learn(cls, stream: Stream, *, most: int) -> Vectoriser:
        """Columns for what occurs in two texts or more, the ``most`` frequent of each part."""
        sample = _evenly(len(stream), STATISTICS)
        wide = cls(
            words=tuple(stream.words),
            pairs=np.zeros(0, np.int64),
            buckets=np.arange(BUCKETS),
            idf=np.ones(len(stream.words) + BUCKETS, dtype=np.float32),
        )
        ngrams = wide.local(stream).ngrams
        word_df = np.zeros(len(stream.words), np.int64)
        bucket_df = np.zeros(BUCKETS, np.int64)
        keys: list[NDArray[np.int64]] = []
        for rows in _chunks(sample):
            counts, pairs = _counts(stream, rows, np.arange(len(stream.words)))
            word_df += np.bincount(counts.indices, minlength=len(word_df))
            bucket_df += np.bincount(product(counts, ngrams).indices, minlength=BUCKETS)
            keys.append(_distinct(pairs, len(stream.words)))
        return cls._of(stream.words, word_df, bucket_df, keys, len(sample), most)

    @classmethod
    def _of(
        cls,
        words: list[str],
        word_df: NDArray[np.int64],
        bucket_df: NDArray[np.int64],
        keys: list[NDArray[np.int64]],
        texts: int,
        most: int,
    ) -> Vectoriser:
        kept = _frequent(word_df, most)
        new = np.full(len(words), -1, dtype=np.int64)
        new[kept] = np.arange(len(kept))
        key, pair_df = np.unique(np.concatenate([*keys, np.zeros(0, np.int64)]), return_counts=True)
        first, second = new[key // max(1, len(words))], new[key % max(1, len(words))]
        pair_df = np.where((first >= 0) & (second >= 0), pair_df, 0)
        chosen = _frequent(pair_df, most)
        pairs = first[chosen] * len(kept) + second[chosen]
        order = np.argsort(pairs)
        buckets = _frequent(bucket_df, most)
        df = np.concatenate([word_df[kept], pair_df[chosen][order], bucket_df[buckets]])
        return cls(
            words=tuple(words[i] for i in kept.tolist()),
            pairs=pairs[order],
            buckets=buckets,
            idf=(np.log((1 + texts) / (1 + df)) + 1).astype(np.float32),
        )

    def local(self, stream: Stream) -> Local:
        """What is worked out once per stream: its words' columns and n-grams."""
        column = np.fromiter(
            (self.column_of.get(word, -1) for word in stream.words),
            dtype=np.int64,
            count=len(stream.words),
        )
        ngrams = ngram_matrix(stream.words)
        if len(self.buckets) < BUCKETS:
            ngrams = ngrams[:, self.buckets].tocsr()
        return Local(column, ngrams)

    def transform(self, stream: Stream, local: Local, rows: NDArray[np.int64]) -> Csr:
        """(rows, width) float32 features of these texts; an empty text is a row of zeros."""
        counts, pairs = _counts(stream, rows, local.column)
        word = _part(_columns(counts, local.column, len(self.words)), self._idf(0), 1.0)
        pair = _part(self._pairs(pairs, len(rows)), self._idf(1), PAIR_WEIGHT)
        ngram = _part(product(counts, local.ngrams), self._idf(2), 1.0)
        return sp.csr_matrix(sp.hstack([word, pair, ngram], format="csr", dtype=np.float32))

    def _idf(self, part: int) -> NDArray[np.float32]:
        a, b = len(self.words), len(self.words) + len(self.pairs)
        return (self.idf[:a], self.idf[a:b], self.idf[b:])[part]

    def _pairs(self, pairs: Pairs, n: int) -> Csr:
        if len(self.pairs) == 0:
            return sp.csr_matrix((n, 0), dtype=np.float32)
        key = pairs.first * len(self.words) + pairs.second
        place = np.minimum(np.searchsorted(self.pairs, key), len(self.pairs) - 1)
        known = (self.pairs[place] == key) & (pairs.first >= 0) & (pairs.second >= 0)
        ones = np.ones(int(known.sum()), dtype=np.float32)
        shape = (n, len(self.pairs))
        return sp.csr_matrix((ones, (pairs.row[known], place[known])), shape=shape)

    def _digest(self) -> str:
        """Hash of everything a transform depends on."""
        sha = hashlib.sha256("\n".join(self.words).encode("utf-8", "surrogatepass"))
        for array in (self.pairs, self.buckets, self.idf):
            sha.update(b"|" + np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Neighbouring words: the text's place among the rows asked for, and both columns."""

    row: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]


def _counts(
    stream: Stream, rows: NDArray[np.int64], column: NDArray[np.int64]
) -> tuple[Csr, Pairs]:
    """Word counts (rows, distinct words of the stream), and neighbouring words."""
    lengths = stream.offsets[rows + 1] - stream.offsets[rows]
    row = np.repeat(np.arange(len(rows)), lengths)
    start = np.repeat(stream.offsets[rows] - np.cumsum(lengths) + lengths, lengths)
    ids = np.asarray(stream.ids[start + np.arange(len(row))], dtype=np.int64)
    ones = np.ones(len(row), dtype=np.float32)
    counts = sp.csr_matrix((ones, (row, ids)), shape=(len(rows), len(stream.words)))
    near = row[1:] == row[:-1]
    pairs = Pairs(row[1:][near], column[ids[:-1][near]], column[ids[1:][near]])
    return counts, pairs


def product(a: Csr, b: Csr) -> Csr:
    """The sparse matrix product."""
    return sp.csr_matrix(a @ b)


def _distinct(pairs: Pairs, words: int) -> NDArray[np.int64]:
    """Each text's distinct word pairs, as ``first * words + second``."""
    key = pairs.first * words + pairs.second
    order = np.lexsort((key, pairs.row))
    row, key = pairs.row[order], key[order]
    new = np.ones(len(key), dtype=np.bool_)
    new[1:] = (row[1:] != row[:-1]) | (key[1:] != key[:-1])
    return key[new]


def _columns(counts: Csr, column: NDArray[np.int64], width: int) -> Csr:
    """Word counts moved to the vectoriser's columns; words without one are dropped."""
    target = column[counts.indices]
    known = target >= 0
    n = len(counts.indptr) - 1
    row = np.repeat(np.arange(n), np.diff(counts.indptr))[known]
    return sp.csr_matrix((counts.data[known], (row, target[known])), shape=(n, width))


def _part(counts: Csr, idf: NDArray[np.float32], weight: float) -> Csr:
    """(1 + log count) * idf, each row scaled to this length."""
    data = ((1 + np.log(counts.data)) * idf[counts.indices]).astype(np.float32)
    squares = np.add.reduceat(np.append(data * data, 0), counts.indptr[:-1]) if len(data) else 0
    lengths = np.diff(counts.indptr)
    norm = np.sqrt(np.where(lengths > 0, squares, 1))
    scale = (weight / np.maximum(norm, 1e-12)).astype(np.float32)
    data *= np.repeat(scale, lengths)
    return sp.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)


def _frequent(df: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Ascending indices of what occurs in two texts or more: the ``most`` frequent of it."""
    found = np.flatnonzero(df >= 2)
    if len(found) > most:
        found = found[np.argsort(-df[found], kind="stable")[:most]]
    return np.sort(found)


def _evenly(n: int, most: int) -> NDArray[np.int64]:
    """At most this many of 0..n-1, evenly spread."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def _chunks(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]
