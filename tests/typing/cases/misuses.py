"""Every line marked `# error` is one that type checkers refuse, and no other."""

from intake import Product, Ticket, triage

from mpstd.request import Act, classify

classify(3)  # error
classify()  # error
classify("a", "b")  # error
classify(txt="a")  # error
number: int = classify("a")  # error
word: str = classify("a")
triage("a", today="b")  # error
Ticket(product="phone", urgency=4, summary="wet", amount=None)  # error
Ticket(product=Product.phone, urgency=4, summary="wet")  # error
is_question = classify("a") == Act.question
asked = Act.qestion  # error
product = triage("a").prodct  # error
classify.later(3)  # error
