"""One exception class for each error that the API documents."""

from __future__ import annotations

from typing import NamedTuple, Optional, Sequence

import grpc
from google.protobuf import any_pb2

from .v1 import error_pb2


class FieldViolation(NamedTuple):
    """What is wrong with one field of a request."""

    #: Path in the request's spec, e.g. "bias.varied.counts[3]".
    field: str
    #: The offending value and what would be right.
    description: str


class SkewError(Exception):
    """Any error of a call. Errors that have no class of their own come as this one, e.g. INTERNAL."""

    #: Status that the class stands for; None where it is the instance's.
    status: Optional[grpc.StatusCode] = None

    #: Of RESOURCE_EXHAUSTED that passes by itself: seconds to wait, at least, before it makes sense to try again.
    retry_delay: Optional[float] = None

    def __init__(self, message: str, violations: Sequence[FieldViolation] = (),
                 code: Optional[grpc.StatusCode] = None) -> None:
        super().__init__(message)
        self.message = message
        #: Of INVALID_ARGUMENT: every field that is wrong.
        self.violations: tuple[FieldViolation, ...] = tuple(violations)
        self.code: grpc.StatusCode = code or self.status or grpc.StatusCode.UNKNOWN

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


class InvalidArgument(SkewError, ValueError):
    """The request is malformed; for a spec, ``violations`` lists every field that is wrong."""

    status = grpc.StatusCode.INVALID_ARGUMENT


class NotFound(SkewError, LookupError):
    """There is no such job, run, artifact, ..."""

    status = grpc.StatusCode.NOT_FOUND


class AlreadyExists(SkewError):
    """The request id was used for another spec; or there is a user of this name."""

    status = grpc.StatusCode.ALREADY_EXISTS


class FailedPrecondition(SkewError):
    """Not in this state: e.g. a job to cancel has ended."""

    status = grpc.StatusCode.FAILED_PRECONDITION


class OutOfRange(SkewError):
    """A position past the end, or before what is kept."""

    status = grpc.StatusCode.OUT_OF_RANGE


class ResourceExhausted(SkewError):
    """Over a limit: of the user, or of the size of a message; or the server's disk is nearly full.

    Those that pass by themselves have a ``retry_delay``.
    """

    status = grpc.StatusCode.RESOURCE_EXHAUSTED


class Unauthenticated(SkewError, PermissionError):
    """No credential, or one that is not valid."""

    status = grpc.StatusCode.UNAUTHENTICATED


class PermissionDenied(SkewError, PermissionError):
    """The user may not do this."""

    status = grpc.StatusCode.PERMISSION_DENIED


class Unavailable(SkewError, ConnectionError):
    """The server could not be reached for longer than the client's patience."""

    status = grpc.StatusCode.UNAVAILABLE


class DeadlineExceeded(SkewError, TimeoutError):
    """The time given has run out."""

    status = grpc.StatusCode.DEADLINE_EXCEEDED


class DataLoss(SkewError):
    """What came is not what was stored: a digest does not fit, or events are missing."""

    status = grpc.StatusCode.DATA_LOSS


_CLASSES = {
    error.status: error for error in (InvalidArgument, NotFound, AlreadyExists, FailedPrecondition, OutOfRange,
                                      ResourceExhausted, Unauthenticated, PermissionDenied, Unavailable,
                                      DeadlineExceeded, DataLoss)
}


def make_error(code: grpc.StatusCode, message: str, violations: Sequence[FieldViolation] = ()) -> SkewError:
    """The error of a status, as an instance of its class."""
    return _CLASSES.get(code, SkewError)(message, violations, code)


def from_rpc_error(error: grpc.RpcError) -> SkewError:
    """The error that a call ended with, with the field violations and the delay that it carries."""
    violations: list[FieldViolation] = []
    delay: Optional[float] = None
    for packed in _details(error):
        if packed.type_url.endswith("/google.rpc.BadRequest"):
            request = error_pb2.BadRequest.FromString(packed.value)
            violations.extend(FieldViolation(one.field, one.description) for one in request.field_violations)
        elif packed.type_url.endswith("/google.rpc.RetryInfo"):
            info = error_pb2.RetryInfo.FromString(packed.value)
            delay = info.retry_delay.ToTimedelta().total_seconds()
    made = make_error(error.code(), error.details() or "", violations)
    made.retry_delay = delay
    return made


def _details(error: grpc.RpcError) -> list[any_pb2.Any]:
    details = error_pb2.StatusDetails()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            details.ParseFromString(value)
    return list(details.details)
