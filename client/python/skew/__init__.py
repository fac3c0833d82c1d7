"""Client of Skew, a training service that measures what class imbalance does to generative models.

    import skew

    with skew.Client() as client:
        job = client.submit({"dataset": "mnist", ...})
        client.wait(job.id)
        rows = client.results(job.id)

Messages (``Job``, ``Run``, ``Event``, ...) are those of the API, in ``skew.v1``.
"""

from .address import ServerAddress, resolve_server
from .client import Client
from .errors import (AlreadyExists, DataLoss, DeadlineExceeded, FailedPrecondition, FieldViolation, InvalidArgument,
                     NotFound, OutOfRange, PermissionDenied, ResourceExhausted, SkewError, Unauthenticated, Unavailable)
from .spec import to_spec

__all__ = [
    "AlreadyExists", "Client", "DataLoss", "DeadlineExceeded", "FailedPrecondition", "FieldViolation",
    "InvalidArgument", "NotFound", "OutOfRange", "PermissionDenied", "ResourceExhausted", "ServerAddress", "SkewError",
    "Unauthenticated", "Unavailable", "resolve_server", "to_spec"
]
