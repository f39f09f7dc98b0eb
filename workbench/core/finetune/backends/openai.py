"""Training at a hosted service that speaks OpenAI's ``files`` and ``fine_tuning.jobs``.

The ``openai`` package does the talking. Each call has a client of its own, so that nothing is left open between polls,
which may come from any thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from workbench.core.datasets.costs import training_prices
from workbench.core.errors import InvalidInputError, ModelRefusedError, WorkbenchError
from workbench.core.finetune.backends.openai_answers import day, id_of, moment, seconds_between, told, whole
from workbench.core.finetune.backends.openai_curves import merged, metric_of, read_result
from workbench.core.finetune.backends.openai_models import offered
from workbench.core.finetune.backends.openai_orders import check_order, job_arguments
from workbench.core.finetune.backends.openai_results import checkpoints_of, content_of
from workbench.core.finetune.backends.openai_words import explained, failure_words, is_lasting
from workbench.core.finetune.backends.registry import Backend, BaseModel, backend
from workbench.core.finetune.training import ENDED, Event, Method, Metric, Order, State, Status
from workbench.core.generate.secrecy import scrubber
from workbench.core.settings import Settings

if TYPE_CHECKING:
    from ssl import SSLContext

    from openai import OpenAI

OPENAI = "https://api.openai.com/v1"
HERE, HERE_EVERY, EVERY = ("localhost", "127.0.0.1", "::1"), 0.5, 5.0
CONNECT_SECONDS = 10.0
RETRIES = 2
FILE_SECONDS, FILE_PAUSE = 600.0, 1.0
"""How long a service may take to look at an upload, and how often it is asked."""
PAGE = 100
MAX_EVENTS, MAX_JOBS, MAX_FILES, MAX_MODELS = 20_000, 1_000, 1_000, 2_000

_STATES: Mapping[str, State] = {
    "validating_files": "preparing", "queued": "queued", "running": "running", "paused": "paused",
    "succeeded": "succeeded", "failed": "failed", "cancelled": "cancelled",
}  # fmt: skip


@backend("openai")
class HostedTraining(Backend):
    """A hosted service that speaks OpenAI's API: OpenAI, Azure, Nebius and others; OPENAI_BASE_URL says which."""

    title = "Hosted service"
    formats: ClassVar[Mapping[Method, str]] = {"supervised": "openai-chat", "dpo": "openai-dpo"}

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._scrub = scrubber(settings)

    @property
    def pace(self) -> float:
        """Seconds between two looks; a server on this machine may be asked more often."""
        return HERE_EVERY if (urlsplit(self.place).hostname or "") in HERE else EVERY

    @property
    def place(self) -> str:
        """The endpoint's address, without what may stand in it for a login."""
        url = urlsplit(self.settings.openai_base_url or OPENAI)
        return url._replace(netloc=url.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")

    def ready(self) -> str:
        """Why it cannot be used here: without an address of its own it is OpenAI, which wants a key."""
        if self.settings.openai_api_key is None and self.settings.openai_base_url is None:
            return "There is no key for OpenAI. Set OPENAI_API_KEY, or OPENAI_BASE_URL to another endpoint."
        return ""

    def models(self) -> tuple[BaseModel, ...]:
        """What the endpoint lists, with what the table of prices knows of it; the table where it lists nothing.

        At OpenAI only what the table knows is offered: it lists much that cannot be tuned.

        Raises:
            ModelError: the endpoint does not answer.
        """
        return offered(self._listed(), at_openai=self.settings.openai_base_url is None)

    def refuse(self, order: Order) -> None:
        """Refuse what the service would, its files included.

        Raises:
            InvalidInputError: the order cannot be done.
            ModelError: the endpoint does not answer, so nothing can be started there.
        """
        if reason := self.ready():
            raise InvalidInputError(reason)
        check_order(order, self.formats)
        listed = self._listed()
        if listed and order.model not in listed and not training_prices(order.model):
            raise InvalidInputError(
                f"The endpoint does not know the model {order.model[:80]}.", hint="Choose one of its models.",
                field="model",
            )  # fmt: skip
        until = listed.get(order.model, "")
        if until and until < date.today().isoformat():
            raise InvalidInputError(
                f"The model {order.model[:80]} was shut down on {until}.", hint="Choose another model.", field="model"
            )

    def start(
        self, order: Order, kept: Mapping[str, Any], keep: Callable[[Mapping[str, Any]], None]
    ) -> Mapping[str, Any]:
        """Upload what is not there yet and create the job.

        A creation whose answer was lost is not repeated: the next try finds the job by its training file.

        Raises:
            ModelError: it could not be started; what was uploaded stays.
            InvalidInputError: a file cannot be read.
        """
        held = {**kept, "files": dict(kept.get("files") or {})}
        train = self._uploaded(order.train, held, keep)
        validation = None if order.validation is None else self._uploaded(order.validation, held, keep)
        job = self._created_before(train) if held.get("asked") else None
        if job is None:
            held["asked"] = True
            keep(_copied(held))
            # Without retries: a creation that is repeated after a lost answer would be a second job, and billed.
            with self._calling(retries=0) as client:
                job = id_of(client.fine_tuning.jobs.create(**job_arguments(order, train, validation)))
        held["job"] = job
        keep(_copied(held))
        return {"job": job, "model": order.model}

    def taken(self, kept: Mapping[str, Any]) -> bool:
        """Whether a job was asked for; uploaded files alone cost nothing."""
        return bool(kept.get("asked"))

    def status(self, handle: Mapping[str, Any]) -> Status:
        """How the job stands, with its checkpoints.

        Raises:
            ModelError: the endpoint does not answer, or does not know the job.
        """
        with self._calling() as client:
            job = client.fine_tuning.jobs.retrieve(handle["job"])
            id_of(job)
            raw = str(told(job, "status") or "")
            state = _STATES.get(raw, "unknown")
            checkpoints = checkpoints_of(client, handle["job"], state)
        error, model = told(job, "error"), told(job, "fine_tuned_model")
        problem, hint = failure_words(error, self._scrub) if state == "failed" else ("", "")
        return Status(
            state,
            self._scrub(raw)[:80],
            str(model) if model else None,
            whole(told(job, "trained_tokens")),
            seconds_between(told(job, "created_at"), told(job, "finished_at")),
            problem,
            hint,
            checkpoints,
        )

    def events(self, handle: Mapping[str, Any], after: str = "") -> tuple[Event, ...]:
        """What was told since an event, oldest first; endpoints give the newest first, in pages.

        Raises:
            ModelError: the endpoint does not answer, or does not know the job.
        """
        found: list[Event] = []
        with self._calling() as client:
            for each in islice(client.fine_tuning.jobs.list_events(handle["job"], limit=PAGE), MAX_EVENTS):
                id = id_of(each)
                if id == after:
                    break
                message = self._scrub(str(told(each, "message") or ""))
                found.append(
                    Event(id, moment(told(each, "created_at")), str(told(each, "level") or "info")[:20], message)
                )
        return tuple(reversed(found))

    def metrics(self, handle: Mapping[str, Any], after: int = -1) -> tuple[Metric, ...]:
        """The points beyond a step: from the events, and from the result files of a job that has succeeded.

        Raises:
            ModelError: the endpoint does not answer, or does not know the job.
        """
        points: list[Metric] = []
        with self._calling() as client:
            for each in islice(client.fine_tuning.jobs.list_events(handle["job"], limit=PAGE), MAX_EVENTS):
                point = metric_of(told(each, "data")) if told(each, "type") == "metrics" else None
                if point is not None and point.step <= after:
                    break
                points += [point] if point is not None else []
            job = client.fine_tuning.jobs.retrieve(handle["job"])
            for file in (told(job, "result_files") or ()) if told(job, "status") == "succeeded" else ():
                points += read_result(content_of(client, file))
        return tuple(point for point in merged(points) if point.step > after)

    def cancel(self, handle: Mapping[str, Any]) -> None:
        """Stop the job; endpoints refuse to stop what has ended, which is no trouble here.

        Raises:
            ModelError: the endpoint does not answer, or does not stop it.
        """
        import openai

        with self._calling() as client:
            try:
                client.fine_tuning.jobs.cancel(handle["job"])
            except (openai.BadRequestError, openai.ConflictError):
                if _STATES.get(client.fine_tuning.jobs.retrieve(handle["job"]).status) not in ENDED:
                    raise

    @cached_property
    def _certificates(self) -> SSLContext:
        """Read once: that takes ten times as long as the rest of making a client."""
        import httpx2

        return httpx2.create_ssl_context()

    @contextmanager
    def _calling(self, retries: int = RETRIES) -> Iterator[OpenAI]:
        """A client for some calls; whatever goes wrong with them comes out in words."""
        if reason := self.ready():
            raise ModelRefusedError(reason, kind="no-key")
        import httpx2
        from openai import DefaultHttpxClient, OpenAI

        key, timeout = self.settings.openai_api_key, self.settings.model_timeout
        try:
            with OpenAI(
                api_key=key.get_secret_value() if key else "none",  # servers of one's own want none, the package one
                base_url=self.settings.openai_base_url,
                timeout=httpx2.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
                max_retries=retries,
                http_client=DefaultHttpxClient(verify=self._certificates, follow_redirects=False),
            ) as client:
                yield client
        except WorkbenchError:
            raise
        except Exception as problem:
            raise explained(problem, self._scrub, timeout) from None

    def _listed(self) -> dict[str, str]:
        """The models that the endpoint lists, each with its last day or nothing; none where it has no list."""
        import openai

        found: dict[str, str] = {}
        with self._calling() as client:
            try:
                for row in islice(client.models.list(), MAX_MODELS):
                    found[str(row.id)] = day(getattr(row, "shutdown_date", None))
            except openai.APIStatusError as problem:
                if problem.status_code not in (404, 405, 501):
                    raise
        return found

    def _uploaded(self, path: Path, held: dict[str, Any], keep: Callable[[Mapping[str, Any]], None]) -> str:
        """The id of a file at the endpoint, uploaded unless an earlier try has done it and it is still there."""
        with _opened(path) as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            name = f"{path.stem[:40]}-{digest[:16]}{path.suffix}"
            known = held["files"].get(digest)
            if known is None and held.get("sending") == digest:
                known = self._sent_before(name)
            if known and self._is_there(known):
                id, status = str(known), ""
            else:
                held["sending"] = digest
                keep(_copied(held))
                stream.seek(0)
                with self._calling() as client:
                    file = client.files.create(file=(name, stream), purpose="fine-tune")
                    id, status = id_of(file), str(told(file, "status") or "")
        if held["files"].get(digest) != id:
            held["files"][digest] = id
            keep(_copied(held))
        self._wait_for(id, status)
        return id

    def _sent_before(self, name: str) -> str | None:
        """The upload of a name, which holds the file's digest, that an earlier try has made but could not keep."""
        import openai

        with self._calling() as client:
            try:
                for file in islice(client.files.list(purpose="fine-tune", limit=PAGE), MAX_FILES):
                    if told(file, "filename") == name:
                        return id_of(file)
            except openai.APIStatusError as problem:
                if not is_lasting(problem):
                    raise
        return None

    def _is_there(self, id: str) -> bool:
        """Whether a file that was uploaded can be used; one that is gone or was found broken cannot."""
        import openai

        with self._calling() as client:
            try:
                file = client.files.retrieve(id)
            except openai.APIStatusError as problem:
                if problem.status_code in (403, 404, 410):  # another account's, or gone
                    return False
                raise
            status = str(told(file, "status") or "")
        if status in ("error", "deleted", "deleting"):
            return False
        self._wait_for(id, status)
        return True

    def _wait_for(self, id: str, status: str) -> None:
        """Wait while the endpoint looks at an upload; some, as Azure, take no job before they have."""
        if status in ("", "processed", "uploaded"):
            return
        with self._calling() as client:
            file = client.files.wait_for_processing(id, poll_interval=FILE_PAUSE, max_wait_seconds=FILE_SECONDS)
        if str(file.status) != "processed":
            said = self._scrub(str(file.status_details or "It does not say why."))[:400]
            raise ModelRefusedError(
                f"The endpoint cannot use the uploaded file. {said}",
                kind="file",
                hint="Correct the rows and try again.",
            )

    def _created_before(self, train: str) -> str | None:
        """The job that an earlier try has created for a training file, unless it came to nothing."""
        import openai

        with self._calling() as client:
            try:
                for job in islice(client.fine_tuning.jobs.list(limit=PAGE), MAX_JOBS):
                    if told(job, "training_file") == train and told(job, "status") not in ("failed", "cancelled"):
                        return id_of(job)
            except openai.APIStatusError as problem:
                if not is_lasting(problem):
                    raise
        return None


def _opened(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as problem:
        raise InvalidInputError(f"{path.name} cannot be read: {problem.strerror}.", hint="Export it again.") from None


def _copied(held: Mapping[str, Any]) -> dict[str, Any]:
    return {**held, "files": dict(held["files"])}
