"""Everything the runtime raises for a reason a caller can act on. Causes are kept with `from`.

MicropromptError
  AbiError            a module was compiled for another version of the runtime
  ArgumentError       an argument is of the wrong type or outside its range
    PromptTooLong     an argument does not fit into the model's context
    NoAnswer          the arguments leave nothing to answer with: no option, no text to copy
  JournalError        an output file can't be continued: it is another run's, or damaged
  ModelError          the model is missing, damaged, unknown or unusable here
    ServerError       the server that a model answers on is not reached, or does not answer as it should
  TuningError         a tuning file is damaged, or lacks what the program asks of it
  DeadlineExceeded    the call's `timeout` passed
  AnswerTooLong       the answer met `max_tokens` before it was complete
  AssertionFailed     no answer was found for which the assertions hold
  AnswerRefused       the user's class that an answer is to be of does not take it, or a server gives none of
                      the type
  FlowFailed          a flow calculates what has no result
    LoopBound         a loop has run as often as it may, and is not done
  FunctionFailed      a function of Python that a flow calls raised, or returned what it does not declare
  ScriptError         a scripted engine was asked for what its script does not hold
  EngineError         the engine or a guide failed: a defect of ours or of a dependency
"""

from __future__ import annotations

from collections.abc import Sequence


class MicropromptError(Exception):
    """The root. `help` is one thing to try, and is part of the message."""

    def __init__(self, message: str, *, help: str | None = None) -> None:
        super().__init__(message if help is None else f"{message}\n  help: {help}")
        self.message = message
        self.help = help

    @property
    def lines(self) -> tuple[str, ...]:
        """What is wrong, and where: the notes that were added on the way."""
        return (self.message, *getattr(self, "__notes__", ()))


class AbiError(MicropromptError):
    """A generated module and the runtime do not fit together."""


class ArgumentError(MicropromptError, TypeError, ValueError):
    """An argument is of the wrong type or outside its declared range."""


class PromptTooLong(ArgumentError):
    """An argument has `tokens` tokens where only `room` fit; `parameter` names it."""

    def __init__(self, message: str, *, parameter: str | None, tokens: int, room: int, help: str) -> None:
        super().__init__(message, help=help)
        self.parameter = parameter
        self.tokens = tokens
        self.room = room


class NoAnswer(ArgumentError):
    """An answer is to be one of the items of an argument, or a part of its text, and there is none."""


class JournalError(MicropromptError):
    """An output file that is there already can't be continued."""


class ModelError(MicropromptError):
    """The model is missing, damaged, unknown or unusable on this machine."""


class ServerError(ModelError):
    """The server that a model answers on is not reached, refuses a call, or answers what can't be read.

    `status` is the HTTP status that it gave, if it gave one.
    """

    def __init__(self, message: str, *, status: int | None = None, help: str | None = None) -> None:
        super().__init__(message, help=help)
        self.status = status


class TuningError(MicropromptError):
    """A tuning file is damaged, or does not hold what the program asks of it."""


class DeadlineExceeded(MicropromptError, TimeoutError):
    """The call took longer than its `timeout`."""


class AnswerTooLong(MicropromptError):
    """The answer was not complete after `max_tokens` tokens."""


class AssertionFailed(MicropromptError):
    """No answer was found for which the assertions of its records hold.

    `answers` are those that were found, the best one first, and `problems` what is wrong with each.
    """

    def __init__(
        self, message: str, *, answers: Sequence[object], problems: Sequence[str], help: str
    ) -> None:
        super().__init__(message, help=help)
        self.answers = tuple(answers)
        self.problems = tuple(problems)


class AnswerRefused(MicropromptError):
    """The class that an answer is to be of, which the user has written, does not take it; or a server, asked
    again as often as the prompt allows, gives none of the type."""


class FlowFailed(MicropromptError):
    """A flow calculates what has no result, as a division by zero, or returns what it does not declare."""


class LoopBound(FlowFailed):
    """A loop of a flow has run as often as it may, and its condition still holds."""


class FunctionFailed(MicropromptError):
    """A function of Python that a flow calls raised an exception, which is the cause, or returned what its
    annotation does not say."""


class ScriptError(MicropromptError):
    """The scripted engine has no answer for this call, or one of the wrong type."""


class EngineError(MicropromptError):
    """The engine or a guide failed; nothing the caller did."""
