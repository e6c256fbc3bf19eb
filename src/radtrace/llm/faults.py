"""What can go wrong between us and an endpoint, by whose fault.

    RadtraceError
    ├── EndpointRefusalError (InputError, exit status 2) key, address or permission: asking again cannot help
    ├── EndpointDownError    (exit status 1) no answer after every attempt
    ├── AnswerError      (exit status 1) answers, but none of the form that was asked for
    └── BudgetError      (exit status 1) the next call could pass the budget

Messages never hold the key, what was sent or what came back.
"""

from radtrace.errors import InputError, RadtraceError


class EndpointRefusalError(InputError):
    """The endpoint will not serve us, or we must not ask it."""


class EndpointDownError(RadtraceError):
    """No attempt brought an answer."""

    exit_status = 1


class AnswerError(RadtraceError):
    """The model's answers are not of the form that was asked for."""

    exit_status = 1


class BudgetError(RadtraceError):
    """The budget does not cover another call."""

    exit_status = 1
