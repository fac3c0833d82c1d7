"""The server's methods as plain functions that retry, page and resume."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from types import TracebackType
from typing import Any, Callable, Iterator, Optional, TypeVar

import grpc

from .address import ServerAddress, resolve_server
from .errors import (DataLoss, DeadlineExceeded, OutOfRange, ResourceExhausted, SkewError, Unavailable,
                     from_rpc_error)
from .rows import Row, rows_of, run_rows_of
from .spec import Spec, to_spec
from .v1 import (event_pb2, job_pb2, job_service_pb2, job_service_pb2_grpc, run_pb2, run_service_pb2,
                 run_service_pb2_grpc, server_service_pb2, server_service_pb2_grpc)

_Answer = TypeVar("_Answer")

_CHANNEL_OPTIONS = (
    # Dead peers are found within half a minute, also while a watch has nothing to say.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # A fixed window: the probes that would look for one answer every small message with a ping.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 1 << 20),
    # Retries are ours; the channel only has to try to connect often enough.
    ("grpc.enable_retries", 0),
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # A web proxy that the environment names is not for this.
    ("grpc.enable_http_proxy", 0),
    # A page of runs or a table of a large study is longer than gRPC's 4 MiB.
    ("grpc.max_receive_message_length", 256 << 20),
    ("grpc.max_send_message_length", 2 << 20),
)

_PAGE = 1000
_FIRST_WAIT = 0.1
_LONGEST_WAIT = 2.0
#: A stream that lived this long was well; what interrupts it is a new outage.
_LIVED = 20.0

_ENDED = (job_pb2.JOB_SUCCEEDED, job_pb2.JOB_FAILED, job_pb2.JOB_CANCELLED)


class _Outage:
    """The patience for one outage: waits double until it is used up, or until ``deadline`` (of time.monotonic)."""

    def __init__(self, patience: float, deadline: Optional[float]) -> None:
        self._patience = patience
        self._deadline = deadline
        self._latest: Optional[float] = None
        self._wait = _FIRST_WAIT

    def wait(self, error: SkewError) -> None:
        """Blocks for the next wait; raises ``error`` when the patience is used up, or will be by then."""
        now = time.monotonic()
        if self._latest is None:
            self._latest = now + self._patience
        latest = self._latest if self._deadline is None else min(self._latest, self._deadline)
        least = error.retry_delay or 0
        if now >= latest or now + least > latest:
            raise error
        time.sleep(min(max(self._wait, least), latest - now))
        self._wait = min(2 * self._wait, _LONGEST_WAIT)


class Client:
    """A connection to one server. Use it in a ``with``, or call :meth:`close`. Threads may share it.

    Every method raises an error of :mod:`skew.errors`. UNAVAILABLE is tried again, and RESOURCE_EXHAUSTED that says when
    to: a call for ``patience`` seconds, a stream under way for ``stream_patience`` seconds, which is long enough for a
    restart of the server. A stream that the server cut, since it was read too slowly, goes on where it was.
    """

    def __init__(self, server: Optional[str] = None, token: Optional[str] = None, *, ca: Optional[str] = None,
                 cert: Optional[str] = None, key: Optional[str] = None, insecure: bool = False,
                 context: Optional[str] = None, config_path: Optional[os.PathLike[str]] = None,
                 patience: float = 10.0, stream_patience: float = 120.0, call_deadline: float = 60.0) -> None:
        """Connects on first use. See :func:`skew.resolve_server` for where server and credentials come from.

        server: "host:port" or "unix:PATH". ca, cert, key: paths of PEM files; ca turns TLS on.
        context: a context of the configuration file that ``skewctl login`` writes.
        """
        self.address: ServerAddress = resolve_server(server, token=token, ca=ca, cert=cert, key=key,
                                                     insecure=insecure, context=context, config_path=config_path)
        self._patience = patience
        self._stream_patience = stream_patience
        self._call_deadline = call_deadline
        self._metadata = (("authorization", f"Bearer {self.address.token}"),) if self.address.token else ()
        credentials = self.address.channel_credentials()
        if credentials is None:
            self._channel = grpc.insecure_channel(self.address.target, options=_CHANNEL_OPTIONS)
        else:
            self._channel = grpc.secure_channel(self.address.target, credentials, options=_CHANNEL_OPTIONS)
        self._jobs = job_service_pb2_grpc.JobServiceStub(self._channel)
        self._runs = run_service_pb2_grpc.RunServiceStub(self._channel)
        self._artifacts = run_service_pb2_grpc.ArtifactServiceStub(self._channel)
        self._server = server_service_pb2_grpc.ServerServiceStub(self._channel)

    def close(self) -> None:
        """Ends the connection, and calls under way."""
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: Optional[type[BaseException]], value: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.close()

    # Jobs

    def submit(self, spec: Spec, *, request_id: Optional[str] = None, validate_only: bool = False,
               no_reuse: bool = False) -> job_pb2.Job:
        """Submits a job and returns it as it was stored, with every default written out.

        spec: a dict, YAML text, a pathlib.Path, or a JobSpec (see :func:`skew.to_spec`).
        request_id: the same id again names the same job. One is made when it is not given, so that a submission whose
            answer was lost is not sent twice; give your own to be safe from crashes of your program, too.
        validate_only: every check of a real submission; the job is not stored and has no id.
        no_reuse: train every run, also those whose answer the server has already.

        Raises InvalidArgument with every field that is wrong; AlreadyExists when the id was used for another spec.
        """
        request = job_service_pb2.SubmitJobRequest(spec=to_spec(spec), request_id=request_id or uuid.uuid4().hex,
                                                   validate_only=validate_only, no_reuse=no_reuse)
        return self._call(self._jobs.SubmitJob, request).job

    def job(self, job_id: str) -> job_pb2.Job:
        """The job as it is now."""
        return self._call(self._jobs.GetJob, job_service_pb2.GetJobRequest(job_id=job_id))

    def jobs(self, *, states: tuple[job_pb2.JobState, ...] = (), owner: str = "",
             labels: Optional[dict[str, str]] = None, deleted: bool = False) -> Iterator[job_pb2.Job]:
        """Jobs, newest first: those in any of the states, of this owner, with all of the labels. Deleted ones are
        listed by themselves."""
        request = job_service_pb2.ListJobsRequest(page_size=_PAGE)
        request.filter.states.extend(states)
        request.filter.owner = owner
        request.filter.deleted = deleted
        request.filter.labels.update(labels or {})
        while True:
            page = self._call(self._jobs.ListJobs, request)
            yield from page.jobs
            request.page_token = page.next_page_token
            if not request.page_token:
                return

    def cancel(self, job_id: str) -> job_pb2.Job:
        """Cancels what has not ended. Raises FailedPrecondition when the whole job has."""
        return self._call(self._jobs.CancelJob, job_service_pb2.CancelJobRequest(job_id=job_id))

    def delete(self, job_id: str, *, purge: bool = False) -> job_pb2.Job:
        """Takes a job that has ended out of lists; from its ``purge_time`` on the server removes it for good.

        purge: remove it now, with its results and files. Raises FailedPrecondition when the job has not ended, is
            deleted already (without purge), or trained a judge.
        """
        return self._call(self._jobs.DeleteJob, job_service_pb2.DeleteJobRequest(job_id=job_id, purge=purge))

    def undelete(self, job_id: str) -> job_pb2.Job:
        """Brings a deleted job back. Raises FailedPrecondition when it is not deleted."""
        return self._call(self._jobs.UndeleteJob, job_service_pb2.UndeleteJobRequest(job_id=job_id))

    def watch(self, job_id: str, after_revision: int = 0) -> Iterator[event_pb2.Event]:
        """Every event of the job after a revision, in order, none missing and none twice, until the job has ended.

        A connection that is lost, or that the server's shutdown ends, is made again after the last event. Raises
        Unavailable when that did not work for ``stream_patience`` seconds; DataLoss when events are missing; OutOfRange
        when the server does not keep those that come next any more: all that it keeps are after the job's
        ``compacted_revision``.
        """
        request = job_service_pb2.WatchJobRequest(job_id=job_id, after_revision=after_revision)
        return self._watch(self._jobs.WatchJob, request, None)

    def watch_all(self, after_revision: Optional[int] = None, *, owner: str = "",
                  labels: Optional[dict[str, str]] = None) -> Iterator[event_pb2.Event]:
        """What happens in all jobs of this owner with all of the labels, those submitted later included, in order.

        after_revision: ``revision`` of the last event that is known; None: from now on. It does not end by itself. Lost
            connections and errors as in :meth:`watch`; OutOfRange as soon as events of any job are not kept any more.
        """
        if after_revision is None:
            after_revision = self.server_info().revision
        request = job_service_pb2.WatchJobsRequest(after_revision=after_revision)
        request.filter.owner = owner
        request.filter.labels.update(labels or {})
        return self._watch(self._jobs.WatchJobs, request, None)

    def wait(self, job_id: str, timeout: Optional[float] = None) -> job_pb2.Job:
        """Blocks until the job has ended and returns it; its ``state`` says how it went.

        timeout: in seconds, a server that is not available included; then DeadlineExceeded. None: as long as it takes,
            but for a server that has not been available for ``stream_patience`` seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        request = job_service_pb2.GetJobRequest(job_id=job_id)
        job = self._call(self._jobs.GetJob, request, deadline)
        missed = True
        while job.state not in _ENDED and missed:
            missed = False
            try:
                watch = job_service_pb2.WatchJobRequest(job_id=job_id, after_revision=job.revision)
                for _ in self._watch(self._jobs.WatchJob, watch, deadline):
                    pass
            except OutOfRange:  # what happened shows in the job
                missed = True
            job = self._call(self._jobs.GetJob, request, deadline)
        return job

    def results(self, job_id: str, *, runs: bool = False, allow_different_judges: bool = False) -> list[Row]:
        """The table of the study as flat rows, ready for ``pandas.DataFrame``; see :mod:`skew.rows` for the columns.

        One row for each model, bias point and class, over the iterations; with ``runs``, one for each run and class.
        Answers at any time, from the runs that have succeeded so far. Raises FailedPrecondition when different judges
        judged them, unless that is allowed.
        """
        request = job_service_pb2.GetResultsRequest(job_id=job_id, include_runs=runs,
                                                    allow_different_judges=allow_different_judges)
        results = self._call(self._jobs.GetResults, request)
        return run_rows_of(results) if runs else rows_of(results)

    # Runs and their files

    def runs(self, job_id: str) -> list[run_pb2.Run]:
        """The job's runs, in the order of their numbers."""
        found: list[run_pb2.Run] = []
        request = run_service_pb2.ListRunsRequest(job_id=job_id, page_size=_PAGE)
        while True:
            page = self._call(self._runs.ListRuns, request)
            found.extend(page.runs)
            request.page_token = page.next_page_token
            if not request.page_token:
                return found

    def histograms(self, job_id: str) -> list[run_pb2.ClassHistogram]:
        """Every histogram of the job: by run, those during training by step, then the final one."""
        found: list[run_pb2.ClassHistogram] = []
        request = run_service_pb2.ListHistogramsRequest(job_id=job_id, page_size=_PAGE)
        while True:
            page = self._call(self._runs.ListHistograms, request)
            found.extend(page.histograms)
            request.page_token = page.next_page_token
            if not request.page_token:
                return found

    def artifacts(self, run_or_job_id: str) -> list[run_pb2.Artifact]:
        """The files that a run, or all runs of a job, have made."""
        name = "run_id" if "." in run_or_job_id else "job_id"
        request = run_service_pb2.ListArtifactsRequest(**{name: run_or_job_id})
        return list(self._call(self._artifacts.ListArtifacts, request).artifacts)

    def read_artifact(self, run_id: str, name: str) -> bytes:
        """The content of one file of a run. Raises DataLoss when it does not have the digest the server names."""
        content = bytearray()
        artifact = run_pb2.Artifact()
        outage = _Outage(self._patience, None)
        while True:
            request = run_service_pb2.ReadArtifactRequest(run_id=run_id, name=name, offset=len(content))
            try:
                for response in self._artifacts.ReadArtifact(request, metadata=self._metadata):
                    if response.HasField("artifact"):
                        artifact.CopyFrom(response.artifact)
                    content += response.data
                    if response.data:
                        outage = _Outage(self._stream_patience, None)
                break
            except grpc.RpcError as error:
                outage.wait(self._passing(error, "stream"))
        if hashlib.sha256(content).hexdigest() != artifact.digest:
            raise DataLoss(f"artifact {name} of {run_id} does not have the digest {artifact.digest}")
        return bytes(content)

    def server_info(self) -> server_service_pb2.ServerInfo:
        """Version, build, addresses and load of the server."""
        return self._call(self._server.GetServerInfo, server_service_pb2.GetServerInfoRequest())

    # How calls are made

    def _call(self, method: Callable[..., _Answer], request: Any, deadline: Optional[float] = None) -> _Answer:
        """One call with retries. With a deadline (of time.monotonic), outages are borne until then."""
        outage = _Outage(self._patience if deadline is None else float("inf"), deadline)
        while True:
            left = self._call_deadline if deadline is None else min(self._call_deadline, deadline - time.monotonic())
            try:
                return method(request, metadata=self._metadata, timeout=max(left, 0))
            except grpc.RpcError as error:
                self._wait(outage, self._passing(error, "call"), deadline)

    def _watch(self, method: Callable[..., Any], request: Any,
               deadline: Optional[float]) -> Iterator[event_pb2.Event]:
        """Of one job, or of all, over as many streams as it takes; the request follows what was read."""
        patience = self._stream_patience if deadline is None else float("inf")
        one = isinstance(request, job_service_pb2.WatchJobRequest)
        what = request.job_id if one else "all jobs"
        sequence: Optional[int] = 0 if one and request.after_revision == 0 else None
        outage = _Outage(patience, deadline)
        while True:
            begin = time.monotonic()
            left = None if deadline is None else max(deadline - begin, 0)
            stream = method(request, metadata=self._metadata, timeout=left)
            try:
                problem: SkewError = Unavailable(f"the watch of {what} was cut")
                for response in stream:
                    if response.end.cause == job_service_pb2.StreamEnd.JOB_FINISHED:
                        return
                    if response.end.cause == job_service_pb2.StreamEnd.COMPACTED:
                        raise OutOfRange(f"the watch of {what} fell behind: events after revision "
                                         f"{request.after_revision} are not kept any more")
                    if not one and response.HasField("end"):
                        request.after_revision = max(request.after_revision, response.end.revision)
                    if response.HasField("event"):
                        _check_order(response.event, sequence, request.after_revision)
                        sequence = response.event.sequence if one else None
                        request.after_revision = response.event.revision
                        outage = _Outage(patience, deadline)
                        yield response.event
            except grpc.RpcError as error:
                problem = self._passing(error, "stream")
            finally:
                stream.cancel()
            if time.monotonic() - begin > _LIVED:
                outage = _Outage(patience, deadline)
            self._wait(outage, problem, deadline)

    @staticmethod
    def _wait(outage: _Outage, problem: SkewError, deadline: Optional[float]) -> None:
        try:
            outage.wait(problem)
        except (Unavailable, ResourceExhausted) as error:
            if deadline is None or time.monotonic() < deadline:
                raise
            raise DeadlineExceeded(f"the time given has run out: {error.message}") from error

    def _passing(self, error: grpc.RpcError, kind: str) -> SkewError:
        """The error if it can pass; raises it when it cannot."""
        if error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
            refusal = from_rpc_error(error)
            if refusal.retry_delay is None and not (kind == "stream" and _is_slow_consumer(refusal)):
                raise refusal from None
            return refusal
        # A server that goes away cancels its streams.
        cut = kind == "stream" and error.code() == grpc.StatusCode.CANCELLED
        if error.code() != grpc.StatusCode.UNAVAILABLE and not cut:
            raise from_rpc_error(error) from None
        return Unavailable(f"the server at {self.address.target} ({self.address.origin}) is not available: "
                           f"{error.details()}")


def _is_slow_consumer(error: SkewError) -> bool:
    """The server cut the stream since messages were not taken: see StreamEnd.SLOW_CONSUMER."""
    return error.message.startswith("SLOW_CONSUMER")


def _check_order(event: event_pb2.Event, sequence: Optional[int], revision: int) -> None:
    """Proves that the event follows the one of this number and revision."""
    if sequence is not None and event.sequence != sequence + 1:
        raise DataLoss(f"events of job {event.job_id} are not complete: number {event.sequence} follows {sequence}")
    if event.revision <= revision:
        raise DataLoss(f"events of job {event.job_id} are not in order: revision {event.revision} follows {revision}")
