"""Which names Python leaves free: names of the language become names in a generated module."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Collection
from typing import Final

from ..diagnostics import Reporter
from ..syntax.nodes import Name
from ..types import BUILTINS

# What a generated module imports or says, besides what the program names.
_MODULE_NAMES: Final = frozenset(
    {
        *("Annotated", "ByName", "Decimal", "Field", "Grammar", "LabelEnum", "Literal"),
        *("NotImplementedError", "Pattern", "Record", "TypeAlias", "abi", "annotations"),
        *("builtins", "dt", "frozenset", "microprompt", "mpstd", "prompt"),
    }
)
# What annotations call types by; a `date` is `dt.date` there, so a field may have that name.
_PYTHON_TYPES: Final = frozenset({"bool", "dict", "float", "frozenset", "int", "list", "str"})
# What values and annotations in the statements of flows call; all else is imported under another name there.
USED_IN_FLOWS: Final = _PYTHON_TYPES | {
    *("Decimal", "Literal", "Pattern", "abi", "builtins", "dt", "microprompt"),
}
_MEMBER_NAMES: Final = frozenset({*dir(str), "label", "mro", "name", "value"})
# The public names of `pydantic.BaseModel`, held complete by a test: importing it takes a third of a second.
FIELD_NAMES: Final = frozenset(
    {
        *("construct", "copy", "dict", "from_orm", "json", "model_computed_fields"),
        *("model_config", "model_construct", "model_copy", "model_dump", "model_dump_json"),
        *("model_extra", "model_fields", "model_fields_set", "model_json_schema"),
        *("model_parametrized_name", "model_post_init", "model_rebuild", "model_validate"),
        *("model_validate_json", "model_validate_strings", "parse_file", "parse_obj", "parse_raw"),
        *("schema", "schema_json", "update_forward_refs", "validate"),
    }
)
_PROTECTED: Final = ("model_dump", "model_validate")


def check_declared_name(name: Name, reporter: Reporter, *, is_generated: bool = True) -> None:
    """Refuse a name of a declaration or import that the generated module, if there is one, could not hold."""
    if name.text in BUILTINS:
        _refuse(name, "it is the name of a type", _renamed(name), reporter)
    elif not is_generated:
        return
    elif name.text in _MODULE_NAMES:
        _refuse(name, "the generated module needs this name", _renamed(name), reporter)
    else:
        check_python_name(name, reporter, with_label=False)


def check_variable_name(name: Name, reporter: Reporter) -> None:
    """Refuse a name of a flow's variable that its Python could not hold."""
    if name.text in USED_IN_FLOWS:
        _refuse(name, "the generated module needs this name", _renamed(name), reporter)
    else:
        check_python_name(name, reporter, with_label=False)


def check_member_name(name: Name, reporter: Reporter) -> None:
    if name.text in _MEMBER_NAMES:
        _refuse(name, "members have an attribute of this name in Python", _labelled(name), reporter)
    else:
        check_python_name(name, reporter, with_label=True)


def check_field_name(name: Name, types: Collection[str], reporter: Reporter) -> None:
    """`types` are the names of types in scope: a field of that name would hide one from the others."""
    if name.text in FIELD_NAMES or name.text.startswith(_PROTECTED):
        _refuse(
            name, "records are Pydantic models, which have a method of this name", _labelled(name), reporter
        )
    elif name.text in _PYTHON_TYPES or name.text in types or name.text in _MODULE_NAMES:
        _refuse(name, "it would hide the type of this name", _labelled(name), reporter)
    else:
        check_python_name(name, reporter, with_label=True)


def check_python_name(name: Name, reporter: Reporter, *, with_label: bool) -> None:
    """Refuse what is not a plain Python name; `with_label` when the name may have an `as`."""
    other = _labelled(name) if with_label else _renamed(name)
    if keyword.iskeyword(name.text):
        _refuse(name, "it is a keyword of Python", other, reporter)
    elif name.text.startswith("_"):
        _refuse(name, "names that start with `_` belong to the generated code", "leave the `_` out", reporter)
    elif not name.text.isidentifier() or unicodedata.normalize("NFKC", name.text) != name.text:
        _refuse(name, "Python would read it as another name", "write it with plain letters", reporter)


def _renamed(name: Name) -> str:
    return f"call it `{name.text.strip('_') or 'name'}_` or something more telling"


def _labelled(name: Name) -> str:
    return f'write `{name.text.strip("_")}_ as "{name.text}"`: the model sees the word after `as`'


def _refuse(name: Name, reason: str, help: str, reporter: Reporter) -> None:
    reporter.report("MP0205", name.span, f"the name `{name.text}` cannot be used", label=reason, help=help)
