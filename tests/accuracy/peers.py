"""What others would do with the same rows: words or sentence embeddings, and scikit-learn's logistic
regression.

The strength of regularisation is chosen by cross-validation on the rows to learn from, as a careful user
would.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline

from microprompt.deciding.evidence import Loaded, evidence_of_rows
from microprompt.deciding.source import EMBEDDER
from microprompt.evaluation.rows import LabelledRows
from microprompt.evaluation.run import TIMED_ROWS
from microprompt.heads.evidence import Embedding
from microprompt.prompts.layout import argument_texts

from .cached import Cached
from .outcome import Outcome
from .tasks import Task, function_of, places_of

_STRENGTHS: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
_FOLDS: Final = 5
_STEP: Final = "regression"


Peer: TypeAlias = Callable[[Task, LabelledRows, LabelledRows, NDArray[np.float64], Cached], Outcome]
"""Is given a data set, the rows to learn from, the rows to measure on, and how often each of the former
counts."""


def words(
    task: Task, train: LabelledRows, rows: LabelledRows, counts: NDArray[np.float64], _: Cached
) -> Outcome:
    """TF-IDF of words and pairs of words, for each text by itself, and logistic regression."""
    texts, asked = _texts(task, train), _texts(task, rows)
    vectors = ColumnTransformer(
        [(str(at), _words(), at) for at in range(texts.shape[1])]
    )
    model = Pipeline([("vectors", vectors), (_STEP, LogisticRegression(max_iter=2000))])
    return _measured(task, model, texts, train, asked, rows, counts, lambda at: asked[at : at + 1])


def embeddings(
    task: Task, train: LabelledRows, rows: LabelledRows, counts: NDArray[np.float64], cached: Cached
) -> Outcome:
    """Sentence embeddings by MiniLM (of two texts, how they compare), and logistic regression."""
    program = function_of(task).program
    form = Embedding(EMBEDDER, "text" if _texts(task, rows).shape[1] == 1 else "pair")
    sources = Loaded(None, None)
    known = cached.evidence(program, train.arguments, form, sources)
    asked = cached.evidence(program, rows.arguments, form, sources)
    model = Pipeline([(_STEP, LogisticRegression(max_iter=2000))])

    def features(at: int) -> NDArray[np.float32]:
        return evidence_of_rows(program, rows.arguments[at : at + 1], form, sources)

    return _measured(task, model, known, train, asked, rows, counts, features)


def _measured(
    task: Task,
    model: Pipeline,
    known: NDArray[Any],
    train: LabelledRows,
    asked: NDArray[Any],
    rows: LabelledRows,
    counts: NDArray[np.float64],
    features: Callable[[int], NDArray[Any]],
) -> Outcome:
    search = GridSearchCV(
        model,
        {f"{_STEP}__C": _STRENGTHS},
        scoring="neg_log_loss",
        cv=StratifiedKFold(_FOLDS, shuffle=True, random_state=0),
    )
    search.fit(known, places_of(task, train), **{f"{_STEP}__sample_weight": counts})
    timed = []
    for at in range(min(TIMED_ROWS, len(rows))):
        start = time.perf_counter()
        search.predict_proba(features(at))
        timed.append(1000 * (time.perf_counter() - start))
    return Outcome(
        probabilities=np.asarray(search.predict_proba(asked)),
        labels=places_of(task, rows),
        by="",
        ms=float(np.median(timed)),
    )


def _words() -> TfidfVectorizer:
    # Marks count as words: scikit-learn's default drops them, and loses 12 points on questions by that.
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+|[^\w\s]")


def _texts(task: Task, rows: LabelledRows) -> NDArray[np.object_]:
    program = function_of(task).program
    found: Sequence[tuple[str, ...]] = [argument_texts(program, row) for row in rows.arguments]
    return np.array(found, dtype=object)
