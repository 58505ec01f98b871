"""Classes that users have written in Python, as the language would declare them.

`from python shop.models import Invoice` takes a class as it is: the compiler reads its declaration in a
child process (`python -m microprompt.shapes`), a generated module compares the digest of that with the class
that it finds, and the runtime takes fields and members from here. Standard library only: Pydantic's objects
are known by what they have.
"""

from .classes import (
    Declared,
    FieldShape,
    MemberShape,
    Refusal,
    declared,
    described,
    digest,
    fields_of,
    members_of,
)
from .kinds import is_enum, is_record, is_typed_dict
from .meaning import Limits, NoCounterpart

__all__ = [
    "Declared",
    "FieldShape",
    "Limits",
    "MemberShape",
    "NoCounterpart",
    "Refusal",
    "declared",
    "described",
    "digest",
    "fields_of",
    "is_enum",
    "is_record",
    "is_typed_dict",
    "members_of",
]
