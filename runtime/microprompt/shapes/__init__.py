"""Classes and functions that users have written in Python, as the language would declare them.

`from python shop.models import Invoice` takes a class as it is: the compiler reads its declaration in a
child process (`python -m microprompt.shapes`), a generated module compares the digest of that with the class
that it finds, and the runtime takes fields and members from here. A function is taken by its header in the
same way. Standard library only: Pydantic's objects are known by what they have. `classes` and `functions`,
which read them, are imported only where there are such.
"""

from .kinds import is_enum, is_record, is_typed_dict
from .limits import Limits

__all__ = ["Limits", "is_enum", "is_record", "is_typed_dict"]
