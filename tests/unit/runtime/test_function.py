"""Prompt functions as a caller sees them, on the scripted engine."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, get_type_hints

import numpy as np
import pytest
from numpy.typing import NDArray

from microprompt import Answer, Later, PromptFunction, abi, gather
from microprompt.engines.engine import Engine
from microprompt.engines.loaded import override
from microprompt.engines.scripted import VOCABULARY, ByteBackend
from microprompt.errors import (
    AnswerTooLong,
    ArgumentError,
    DeadlineExceeded,
    MicropromptError,
    PromptTooLong,
    ScriptError,
)
from microprompt.program import Parameter
from microprompt.testing import scripted
from microprompt.types import (
    BoolType,
    DeclaredType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    OptionalType,
    PatternType,
    RecordField,
    RecordType,
    StrType,
    kind,
)

from .programs import (
    ACT,
    INNER,
    OUTER,
    PLACE,
    Act,
    Inner,
    Outer,
    WatchedBackend,
    classify,
    compare,
    function,
    notes,
    program,
    random_voice,
    wait_until_idle,
)

# ------------------------------------------------------------------------------------------ answers


def test_a_call_gives_the_plain_value() -> None:
    with scripted({"classify": Act.command}):
        assert classify("Turn it off.") is Act.command


def test_detail_tells_probabilities_coverage_and_usage() -> None:
    with scripted({"classify": {Act.question: 0.75, Act.other: 0.25}}):
        answer = classify.detail("Hm?")
        again = classify.detail("Hm.")
    assert answer.value is Act.question
    assert answer.confidence == pytest.approx(0.75)
    assert answer.distribution == pytest.approx({Act.question: 0.75, Act.command: 0, Act.other: 0.25})
    assert answer.coverage == pytest.approx(1)
    assert answer.model == "scripted"
    assert answer.seconds > 0
    assert answer.usage.cached_tokens == 0
    # Tokens are bytes here, and the labels' first one is the blank that all share.
    assert answer.usage.decoded_tokens == 1
    whole = len(
        "Say what it is.\n- question: asks for something\n\n"
        "Input: Is it?\nAnswer: question\n\n"
        "Input: Hm?\nAnswer:"
    )
    assert answer.usage.prompt_tokens == again.usage.prompt_tokens == whole
    assert again.usage.cached_tokens == whole - len(" Hm?\nAnswer:")


def test_a_record_tells_the_confidence_of_every_field() -> None:
    note, tags = 'a "b" \\ 🙂', ("x", "y\n")
    ticket, unsure = (Outer(Inner(Act.other, urgency), note, None, tags) for urgency in (4, 5))
    with scripted({"triage": {ticket: 0.8, unsure: 0.2}}):
        answer = function(program(OUTER, name="triage")).detail("Hm.")
    assert answer.value == replace(ticket, tags=list(tags))
    assert list(answer.fields) == ["inner.act", "inner.urgency", "inner", "note", "paid", "tags"]
    assert answer.fields["inner.urgency"].distribution == pytest.approx({1: 0, 2: 0, 3: 0, 4: 0.8, 5: 0.2})
    assert answer.fields["inner.urgency"].confidence == pytest.approx(0.8)
    assert answer.fields["inner"].confidence == pytest.approx(0.8)
    assert (answer.fields["inner"].value, answer.fields["tags"].items) == (ticket.inner, (1.0, 1.0))
    assert answer.confidence == pytest.approx(0.8)
    assert answer.least_sure == "inner.urgency"
    assert (answer.distribution, answer.coverage) == (None, None)
    assert answer.fields["note"].value == ticket.note


def test_independent_fields_do_not_see_one_another() -> None:
    first = Outer(Inner(Act.other, 4), "n", None, ("t",))
    other = Outer(Inner(Act.command, 5), "n", None, ("t",))
    independent = program(OUTER, name="triage", using=abi.Using(independent=True))
    with scripted({"triage": {first: 0.6, other: 0.4}}):
        chained = function(program(OUTER, name="triage")).detail("Hm.")
        answer = function(independent).detail("Hm.")
    assert answer.value == chained.value == replace(first, tags=["t"])
    assert chained.fields["inner.urgency"].confidence == pytest.approx(1)
    assert answer.fields["inner.urgency"].distribution == pytest.approx({1: 0, 2: 0, 3: 0, 4: 0.6, 5: 0.4})
    assert answer.confidence == pytest.approx(0.6)


def test_independent_fields_take_fewer_batches() -> None:
    value = Outer(Inner(Act.other, 4), "ok", None, [])
    batches = []
    for using in (abi.Using(), abi.Using(independent=True)):
        with scripted({"triage": value}) as engine:
            asked = function(program(OUTER, name="triage", using=using))
            assert isinstance(engine.backend, ByteBackend)
            asked("Hm.")
            before = engine.backend.decoded_batches
            asked("Hm?")
            batches.append(engine.backend.decoded_batches - before)
    assert batches[1] <= batches[0] / 2


def test_independent_fields_with_more_labels_than_go_side_by_side_take_turns() -> None:
    words = tuple(f"{one}{two}{three}" for one in "abcd" for two in "abcd" for three in "abc")
    fields = ("one", "two", "three", "four")

    @dataclass(frozen=True)
    class Four:
        one: str
        two: str
        three: str
        four: str

    value = Four("abc", "dcb", "cab", "bbb")
    returns = RecordType(
        python=Four,
        fields=tuple(RecordField(name=name, label=name, type=LiteralType(values=words)) for name in fields),
    )
    asked = program(returns, using=abi.Using(independent=True))
    with scripted({"ask": value}) as engine:
        assert engine.bind(asked).answer.waves() == (("one", "two", "three"), ("four",))
        assert function(asked)("Hm.") == value


@pytest.mark.parametrize(
    ("returns", "value"),
    [
        (StrType(), "any text, as it is: \"'\\ 🙂"),
        (StrType(), ""),
        (PatternType(pattern=r"[a-z]+@[a-z]+\.org"), "me@here.org"),
        (IntType(), -123456),
        (IntType(minimum=1, maximum=5), 4),
        (FloatType(minimum=0, maximum=1), 0.125),
        (FloatType(), -2.0),
        (BoolType(), False),
        (LiteralType(values=("a", "b\\c", 'd "e"')), 'd "e"'),
        (OptionalType(item=StrType()), None),
        (OptionalType(item=ACT), None),
        (OptionalType(item=INNER), Inner(act=Act.command, urgency=1)),
        (ListType(item=StrType()), ["a", "", "line\nbreak", "日本"]),
        (ListType(item=OptionalType(item=INNER)), [None, Inner(act=Act.other, urgency=2)]),
        (ListType(item=ListType(item=IntType())), [[], [1, 2], [-3]]),
    ],
)
def test_every_type_comes_through_the_whole_runtime(returns: DeclaredType, value: object) -> None:
    with scripted({"ask": lambda text: value}):
        assert function(program(returns))("Hm.") == value


def test_json_of_an_answer_is_data_in_the_programs_names() -> None:
    ask = function(program(OptionalType(item=BoolType())))
    with scripted({"ask": {True: 0.5, None: 0.25, False: 0.25}}):
        data = ask.detail("Hm.").to_json()
    distribution = data.pop("distribution")
    assert distribution == pytest.approx({"true": 0.5, "false": 0.25, "none": 0.25})
    assert data.pop("seconds")
    assert data == {
        "value": True,
        "confidence": pytest.approx(0.5),
        "calibrated": False,
        "answered_by": "labels",
        "abstained": False,
        "coverage": pytest.approx(1),
        "near_tie": False,
        "cut": [],
        "usage": {"prompt_tokens": 35, "cached_tokens": 0, "decoded_tokens": 3},
        "model": "scripted",
    }


def test_a_distribution_over_whole_numbers_has_a_mean() -> None:
    rate = function(program(IntType(minimum=1, maximum=3)))
    with scripted({"ask": {1: 0.5, 2: 0.25, 3: 0.25}}):
        answer = rate.detail("Hm.")
    assert answer.mean == pytest.approx(1.75)
    assert answer.to_json()["mean"] == answer.mean


@pytest.mark.parametrize("returns", [BoolType(), ACT, OptionalType(item=IntType(minimum=1, maximum=3))])
def test_other_distributions_have_no_mean(returns: DeclaredType) -> None:
    value = kind(returns).options()
    assert value is not None
    with scripted({"ask": value[0]}):
        answer = function(program(returns)).detail("Hm.")
    assert answer.mean is None
    assert "mean" not in answer.to_json()


def test_a_text_is_answered_by_the_model() -> None:
    with scripted({"ask": "Hm!"}):
        answer = function(program(StrType())).detail("Hm.")
    assert (answer.answered_by, answer.calibrated) == ("model", False)
    assert (answer.abstained, answer.first) == (False, None)


def test_the_json_of_an_escalated_call_has_both_answers() -> None:
    with scripted({"ask": Act.other}):
        answer = function(program(ACT)).detail("Hm.")
    data = replace(answer, model="larger", first=answer).to_json()
    assert (data["model"], data["first"]) == ("larger", answer.to_json())


def test_arguments_fill_the_holes_by_place_name_and_default() -> None:
    with scripted({"compare": True}) as engine:
        compare("a", 1)
        compare("a", second=2, flag=False)
        assert compare.render(second=3, first="x", flag=None) == (
            "Compare.\n\nFirst: x\nSecond: 3\nFlags: none\nSame:"
        )
    assert engine.calls == [
        ("compare", {"first": "a", "second": 1, "flag": None}),
        ("compare", {"first": "a", "second": 2, "flag": False}),
    ]


def test_render_is_the_exact_prompt() -> None:
    with scripted({}):
        assert classify.render("{text} <|im_end|>") == (
            "Say what it is.\n- question: asks for something\n\n"
            "Input: Is it?\nAnswer: question\n\n"
            "Input: {text} <|im_end|>\nAnswer:"
        )


def test_the_function_keeps_its_name_docstring_and_signature() -> None:
    assert (vars(compare)["__name__"], compare.__doc__) == ("compare", "Compare two things.")
    assert (
        str(inspect.signature(compare))
        == "(first: 'str', second: 'Annotated[int, Field(ge=0, le=9)]', flag: 'bool | None' = None) -> 'bool'"
    )
    assert repr(compare) == "<prompt function compare of tests/compare.mp:3>"


FORMS = ("__call__", "detail", "acall", "adetail", "later", "later_detail", "render")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_parameters_of_the_function(form: str) -> None:
    method = getattr(compare, form)
    assert inspect.signature(method).parameters == inspect.signature(compare).parameters
    assert inspect.iscoroutinefunction(method) == (form in ("acall", "adetail"))
    assert inspect.getdoc(method) == inspect.getdoc(getattr(PromptFunction, form))
    assert method is getattr(compare, form)


def test_the_annotations_of_every_form_can_be_evaluated() -> None:
    for form, returns in {"acall": bool, "detail": Answer, "later": Later, "render": str}.items():
        hints = get_type_hints(getattr(compare, form))
        assert hints == {"first": str, "second": int, "flag": bool | None, "return": returns}


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))])
def test_a_function_is_copied_and_pickled_by_its_name(again: Callable[[object], object]) -> None:
    assert again(compare) is compare
    assert again([compare]) == [compare]


@pytest.mark.parametrize("form", [*FORMS, "map", "map_detail", "explain"])
def test_a_form_of_a_function_is_pickled_by_its_name(form: str) -> None:
    again = pickle.loads(pickle.dumps(getattr(compare, form)))
    assert again == getattr(compare, form)
    assert again.__self__ is compare


NAMES = ("self", "args", "kwargs", "program", "rows", "in_flight", "call", "signature", "name", "cls")


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_may_be_called_anything(name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def ask({name}: str) -> bool: ...", scope)
    laid_out = replace(
        program(BoolType()),
        parameters=(Parameter(name=name, type=StrType()),),
        input=("Input: ", abi.Hole(parameter=name)),
    )
    ask: PromptFunction[..., bool] = PromptFunction(scope["ask"], program=laid_out)
    with scripted({"ask": lambda **arguments: arguments[name] == "x"}):
        for args, kwargs in ((("x",), {}), ((), {name: "x"})):
            assert ask(*args, **kwargs) is True
            assert ask.detail(*args, **kwargs).value is True
            assert asyncio.run(ask.acall(*args, **kwargs)) is True
            assert asyncio.run(ask.adetail(*args, **kwargs)).value is True
            assert gather(ask.later(*args, **kwargs)) == (True,)
            assert ask.render(*args, **kwargs).endswith("Input: x\nAnswer:")
        assert ask.map(["x", {name: "y"}]) == [True, False]
    assert list(inspect.signature(ask.acall).parameters) == [name]


def test_acall_answers_without_blocking_the_loop() -> None:
    async def main() -> list[object]:
        return await asyncio.gather(*(classify.acall(f"{n}") for n in range(5)))

    with scripted({"classify": lambda text: Act.command if int(text) % 2 else Act.other}):
        assert asyncio.run(main()) == [Act.other, Act.command, Act.other, Act.command, Act.other]


def test_acall_takes_the_timeout_of_the_call() -> None:
    ask = function(program(ACT, using=abi.Using(timeout=1e-9)))
    with scripted({"ask": Act.other}), pytest.raises(DeadlineExceeded) as caught:
        asyncio.run(ask.acall("Hm."))
    assert notes(caught.value) == [PLACE.format("ask")]


def test_cancelling_a_task_cancels_its_call() -> None:
    gate = threading.Event()

    def voice(text: bytes) -> NDArray[np.float32]:
        gate.wait(20)
        return np.zeros(VOCABULARY, dtype=np.float32)

    async def main() -> None:
        task = asyncio.ensure_future(function(program(StrType(min_length=100))).acall("Hm."))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    engine = Engine(WatchedBackend(voice))
    with override(engine):
        asyncio.run(main())
        gate.set()
        assert isinstance(classify("Hm."), Act)
        wait_until_idle(engine)


# --------------------------------------------------------------------------------------- bad arguments


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((1, 1), {}, "argument `first` of compare must be str, not int 1"),
        (("a", "b"), {}, "argument `second` of compare must be int(0..9), not str 'b'"),
        (("a", 10), {}, "argument `second` of compare is 10; 0..9 is allowed"),
        (("a", 1, "yes"), {}, "argument `flag` of compare must be bool, not str 'yes'"),
        (("a",), {}, "compare: missing a required argument: 'second'"),
        (("a", 1, True, 2), {}, "compare: too many positional arguments"),
        (("a", 1), {"colour": 2}, "compare: got an unexpected keyword argument 'colour'"),
        (("\ud83d", 1), {}, "argument `first` of compare has half of a surrogate pair"),
    ],
)
def test_bad_arguments_are_refused_before_the_model_is_asked(
    args: tuple[object, ...], kwargs: dict[str, object], message: str
) -> None:
    with scripted({"compare": True}) as engine, pytest.raises(ArgumentError) as caught:
        compare(*args, **kwargs)  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.message.startswith(message)
    assert notes(caught.value) == ["in prompt compare, tests/compare.mp:3"]
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)
    assert engine.calls == []


def small(returns: DeclaredType = ACT, context: int = 100) -> Engine:
    return Engine(WatchedBackend(random_voice(0), context=context))


def test_a_too_long_argument_is_named_with_its_tokens_and_how_many_fit() -> None:
    engine = small()
    ask = function(program(ACT, instruction="Say."))
    with override(engine):
        with pytest.raises(PromptTooLong) as caught:
            ask("x" * 200)
        error = caught.value
        assert (error.parameter, error.tokens) == ("text", 201)
        assert f"argument `text` of ask has 201 tokens; {error.room} fit" in str(error)
        assert notes(error) == [PLACE.format("ask")]
        # A blank leads to the argument, and is counted with it.
        assert isinstance(ask("x" * (error.room - 1)), Act)
        with pytest.raises(PromptTooLong):
            ask("x" * error.room)
        assert isinstance(ask("short"), Act)


def test_the_longest_of_several_arguments_is_named() -> None:
    with override(small()), pytest.raises(PromptTooLong) as caught:
        compare("x" * 100, 5)
    assert caught.value.parameter == "first"


def test_a_prompt_that_no_argument_fits_into_says_so() -> None:
    with override(small(context=30)), pytest.raises(PromptTooLong) as caught:
        classify("a")
    assert caught.value.parameter is None
    assert caught.value.room == 30
    assert "the prompt of classify and the shortest answer take" in str(caught.value)


def test_a_too_long_row_fails_alone_and_the_next_call_works() -> None:
    engine = small()
    ask = function(program(ACT, instruction="Say."))
    with override(engine):
        with pytest.raises(PromptTooLong):
            ask.map(["a", "x" * 200, "b"])
        assert len(ask.map(["a", "b"])) == 2


# ----------------------------------------------------------------------------------- limits and errors


def test_an_answer_past_max_tokens_raises() -> None:
    ask = function(program(StrType(), using=abi.Using(max_tokens=5)))
    with scripted({"ask": lambda text: text}):
        with pytest.raises(AnswerTooLong, match="max_tokens = 5") as caught:
            ask("a long answer")
        assert notes(caught.value) == [PLACE.format("ask")]
        assert ask("abcd") == "abcd"


def test_max_tokens_holds_for_a_record_as_a_whole() -> None:
    ask = function(program(OUTER, using=abi.Using(max_tokens=8)))
    value = Outer(inner=Inner(act=Act.other, urgency=4), note="abcd", paid=None, tags=["efgh"])
    with scripted({"ask": lambda text: value}), pytest.raises(AnswerTooLong):
        ask("Hm.")


def test_a_deadline_that_passes_at_once_raises() -> None:
    ask = function(program(ACT, using=abi.Using(timeout=1e-9)))
    with scripted({"ask": Act.other}), pytest.raises(DeadlineExceeded) as caught:
        ask("Hm.")
    assert notes(caught.value) == [PLACE.format("ask")]
    assert isinstance(caught.value, TimeoutError)


def test_a_slow_model_meets_the_deadline_and_the_next_call_works() -> None:
    slow = [True]

    def voice(text: bytes) -> NDArray[np.float32]:
        if slow[0]:
            time.sleep(0.01)
        return np.zeros(VOCABULARY, dtype=np.float32)

    backend = WatchedBackend(voice)
    ask = function(program(StrType(min_length=100), using=abi.Using(timeout=0.1)))
    with override(Engine(backend)):
        with pytest.raises(DeadlineExceeded):
            ask("Hm.")
        slow[0] = False
        assert len(function(program(StrType(min_length=100)))("Hm.")) >= 100  # type: ignore[arg-type]
    assert len(backend.held()) == 1


def test_temperature_with_a_seed_is_reproducible_and_without_one_varies() -> None:
    def answers(seed: int | None) -> list[object]:
        ask = function(
            program(IntType(minimum=0, maximum=200), using=abi.Using(temperature=1.5, seed=seed))
        )
        return [ask(str(n)) for n in range(8)]

    with override(Engine(WatchedBackend(random_voice(0, spread=0.1)))):
        assert answers(7) == answers(7)
        assert answers(7) != answers(8)
        assert answers(None) != answers(None)


def test_temperature_zero_takes_the_most_probable_answer() -> None:
    ask = function(program(ACT))
    with override(Engine(WatchedBackend(random_voice(0)))):
        for n in range(10):
            answer = ask.detail(str(n))
            assert answer.distribution is not None
            assert answer.confidence == max(answer.distribution.values())


# -------------------------------------------------------------------------------------------- threads


def test_threads_get_the_answers_to_their_own_calls() -> None:
    wrong: list[str] = []

    def work(number: int) -> None:
        for n in range(20):
            text = f"{number}.{n}"
            if (found := ask(text)) != text:
                wrong.append(f"{text}: {found}")

    ask = function(program(StrType(), name="echo"))
    with scripted({"echo": lambda text: text}) as engine:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert len(engine.calls) == 160


# ---------------------------------------------------------------------------------- the scripted engine


def test_a_script_without_the_function_raises() -> None:
    with scripted({"other": 1}), pytest.raises(ScriptError, match="has no answer for classify") as caught:
        classify("Hm.")
    assert notes(caught.value) == [PLACE.format("classify")]


def test_a_scripted_answer_of_the_wrong_type_raises() -> None:
    with scripted({"classify": "question"}), pytest.raises(ScriptError, match="must be Act, not str"):
        classify("Hm.")


@pytest.mark.parametrize(
    ("returns", "value"),
    [
        (StrType(), "two\nlines"),
        (StrType(), " a blank first"),
        (StrType(), "x" * 201),
        (ListType(item=StrType()), ["\x01"]),
        (ListType(item=IntType()), list(range(17))),
    ],
)
def test_a_scripted_answer_that_no_model_can_give_raises(returns: DeclaredType, value: object) -> None:
    with scripted({"ask": lambda text: value}), pytest.raises(ScriptError, match="no model can write"):
        function(program(returns))("Hm.")


def test_a_failing_scripted_row_does_not_shift_the_others() -> None:
    def answer(text: str) -> object:
        return text if text == "bad" else Act.command

    with scripted({"classify": answer}) as engine:
        with pytest.raises(MicropromptError, match="must be Act, not str 'bad'"):
            classify.map(["a", "bad", "c"])
        assert classify.map(["a", "c"]) == [Act.command, Act.command]
    assert [arguments["text"] for _, arguments in engine.calls] == ["a", "bad", "a", "c"]


def test_a_script_may_call_prompt_functions_itself() -> None:
    outer: PromptFunction[[str], object] = function(program(BoolType(), name="outer"))
    script = {"outer": lambda text: classify(text) is Act.other, "classify": Act.other}
    with scripted(script):
        assert outer("Hm.") is True


def test_scripts_nest_and_end_with_their_block() -> None:
    with scripted({"classify": Act.other}):
        with scripted({"classify": Act.command}):
            assert classify("Hm.") is Act.command
        assert classify("Hm.") is Act.other
