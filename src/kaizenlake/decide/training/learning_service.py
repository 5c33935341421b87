"""Learning for asynchronous applications: the functions of the room, each run aside so that nothing waits."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from kaizenlake.decide.record.command_words import find_system_user
from kaizenlake.decide.training import datasets, job_state, jobs, model_trials, registry
from kaizenlake.decide.training.datasets import DatasetVersion
from kaizenlake.decide.training.gateways import Gateway
from kaizenlake.decide.training.job_state import TrainingJob
from kaizenlake.decide.training.jobs import JobRequest
from kaizenlake.decide.training.model_trials import NO_TRIAL, Deployed, ModelTrial
from kaizenlake.events.ids import event_id
from kaizenlake.lake.store import Lake, default_lake
from kaizenlake.lake.trust import decisions
from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.example_filter import filter_examples
from kaizenlake.training.examples import TrainingExample
from kaizenlake.training.extraction import extract_from_event
from kaizenlake.training.orders.training_order import read_config
from kaizenlake.training.validation.validate import Validation

_T = TypeVar("_T")

MIN_EXAMPLES = 1000
"""Fewest examples of the lake of which a data set is cut, unless told otherwise."""


class LearningService:
    """Makes examples, filters them and cuts data sets, for applications that run asynchronously.

    >>> import asyncio, tempfile
    >>> from kaizenlake.training import ExampleSource, TrainingExample
    >>> async def learn(folder):
    ...     service = LearningService(folder)
    ...     await service.initialize()
    ...     example = TrainingExample(input_text="Sum it up.", output_text="It is short.", quality_score=85.0, confidence=0.9)
    ...     filtered = await service.filter_examples([example])
    ...     dataset = await service.create_training_dataset(name="test-dataset", examples=filtered)
    ...     return dataset.version, sum(map(len, dataset.splits.values()))
    >>> asyncio.run(learn(tempfile.mkdtemp()))
    ('1.0.0', 1)

    Args:
        lake: Folder or lake; the one that KAIZEN_LAKE names, else `./lake`, where none is given. It is made if absent.
        by: Who asks for data sets; the user of this machine unless given.
    """

    def __init__(self, lake: Lake | str | Path | None = None, *, by: str | None = None) -> None:
        self._lake = lake if isinstance(lake, Lake) else Lake(lake) if lake is not None else default_lake()
        self.by = by or find_system_user() or "learning-service"
        self._is_ready = False
        self._is_closed = False
        self._running: dict[str, asyncio.Task[TrainingJob]] = {}

    @property
    def lake(self) -> Lake:
        """The lake that it works on."""
        return self._lake

    async def initialize(self) -> None:
        """Make the lake where there is none; other methods do it too when they are called first."""
        self._is_closed = False
        await self._aside(lambda: None)

    async def cleanup(self) -> None:
        """End the work; what was decided stays, and a later call needs `initialize`."""
        self._is_ready, self._is_closed = False, True

    async def process_event(self, event: Mapping[str, Any]) -> TrainingExample | None:
        """Hand an event of an agent to the lake, which lands it next, and return the example that it makes.

        Args:
            event: A CloudEvent: task.completed, plan.created or evaluation.completed, with or without a prefix.

        Returns:
            The example; None of an evaluation.

        Raises:
            LearningError: It is incomplete (E7001), malformed (E7002), or of another type (E7003); nothing is handed over.
        """

        def process() -> TrainingExample | None:
            example = extract_from_event(event)
            file = self._lake.path("landing", f"learning-{event_id()}.ndjson")
            file.parent.mkdir(parents=True, exist_ok=True)
            aside = file.with_suffix(".part")
            with aside.open("w", encoding="utf-8") as stream:
                stream.write(json.dumps(dict(event), default=str) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            aside.rename(file)
            return example

        return await self._aside(process)

    async def filter_examples(
        self, examples: Iterable[TrainingExample], *, model_id: str | None = None
    ) -> list[TrainingExample]:
        """Return the examples that are fit to be learnt from, by the settings, golden texts and models of the lake.

        Args:
            examples: The examples to look at; `kaizenlake.training.filter_examples` also says why the others are not.
            model_id: Model that is to be trained on, as name@version: outputs of its lineage are no examples. Unless given,
                outputs of no registered model are, but for those that were edited or verified by others.

        Raises:
            LearningError: There is no such model (E7204).
        """
        given = list(examples)

        def choose() -> list[TrainingExample]:
            line = registry.list_lineage(self._lake, model_id)
            rules = self._lake.settings.curation
            return filter_examples(given, rules=rules, golden=self._list_golden(), lineage=line).kept

        return await self._aside(choose)

    async def create_training_dataset(
        self,
        name: str,
        examples: Iterable[TrainingExample] | None = None,
        *,
        where: Sequence[str] = (),
        min_examples: int = MIN_EXAMPLES,
        reason: str | None = None,
    ) -> DatasetVersion:
        """Cut a data set of examples, or of those of the lake that are fit; the same once more changes nothing.

        Args:
            name: How it is called from now on.
            examples: The examples; those of the lake where none are given.
            where: Conditions on those of the lake, such as `task_type=summary`.
            min_examples: Fewest examples there must be of the lake; it does not count for given ones.
            reason: Why, in words.

        Raises:
            LearningError: There is one of this name with other examples (E7202), or the lake has too few (E7501).
        """
        given = None if examples is None else list(examples)

        def cut() -> DatasetVersion:
            held = datasets.find_examples(self._lake, where, min_examples=min_examples) if given is None else given
            return datasets.create(self._lake, name, held, by=self.by, reason=reason)

        return await self._aside(cut)

    async def add_examples(
        self, dataset_id: str, examples: Iterable[TrainingExample], *, reason: str | None = None
    ) -> DatasetVersion:
        """Cut the next version of a data set: what it had and these.

        Raises:
            LearningError: There is no such data set (E7201), or a file of it was changed (E7203).
        """
        given = list(examples)
        return await self._aside(lambda: datasets.add(self._lake, dataset_id, given, by=self.by, reason=reason))

    async def validate_model(
        self, model_id: str, baseline_model_id: str | None = None, *, trial: ModelTrial = NO_TRIAL
    ) -> Validation:
        """Hold a model of the lake against another on logged inputs, and keep what was found; see `validate_model`.

        Args:
            model_id: Model, as name@version; name alone means the newest version.
            baseline_model_id: What it would take the place of; what is in production, else what it was made of, unless given.
            trial: What runs the models, and what they are held against.

        Raises:
            LearningError: There is no such model (E7204), or a byte of it was changed (E7208).
        """
        return await self._aside(
            lambda: model_trials.validate(self._lake, model_id, baseline_model_id, trial=trial, by=self.by)
        )

    async def deploy_model(
        self,
        model_id: str,
        *,
        trial: ModelTrial = NO_TRIAL,
        gateway: Gateway | None = None,
        reason: str | None = None,
        override: bool = False,
    ) -> Deployed:
        """Validate a model, and put it in production where that recommends it.

        Args:
            model_id: Model, as name@version; name alone means the newest version.
            trial: What runs the models, and what they are held against.
            gateway: Where it is served from then on; the lake alone unless given.
            reason: Why, in words.
            override: Skip the gates that refuse, never the hash; needs a reason.

        Raises:
            LearningError: There is no such model (E7204), a byte of it was changed (E7208), a gate refuses (E7209), or the
                gateway failed (E7211).
        """
        asked = model_trials.DeploymentWish(self.by, reason, is_override=override)
        return await self._aside(
            lambda: model_trials.deploy(self._lake, model_id, trial=trial, gateway=gateway, asked=asked)
        )

    async def train_model(
        self,
        dataset_id: str,
        name: str,
        version: str = "1.0.0",
        *,
        kind: str = "features",
        base: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> TrainingJob:
        """Train a model on a data set, in a thread of its own, and return the job as it stands when it begins.

        Args:
            dataset_id: Data set, as name or name@version.
            name: Model that comes of it.
            kind: As `kaizen train start` has it; a reward model on features, which needs no extra, unless given.
            base: Model it starts from, as name@version.
            config: Settings by name, such as epochs and seed.

        Raises:
            LearningError: The request cannot be taken; there is no job.
        """
        request = JobRequest(kind, name, version, base, dataset=dataset_id, config=read_config(kind, config or {}))
        requested = await self._aside(lambda: jobs.request_job(self._lake, request, by=self.by))
        waiting = asyncio.create_task(self._aside(lambda: jobs.run(self._lake, requested)))
        self._running[requested.job_id] = waiting
        # What comes of it is said of the job; nobody waits for the task itself.
        waiting.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await self.get_job_status(requested.job_id)

    async def get_job_status(self, job_id: str) -> TrainingJob:
        """Return a training job as it stands.

        Raises:
            LearningError: There is none of that name (E7902).
        """
        return await self._aside(lambda: job_state.find_job(self._lake, job_id))

    async def cancel_job(self, job_id: str) -> TrainingJob:
        """Stop a training job after the step that it takes, and return it as it stands then.

        Raises:
            LearningError: There is no such job (E7902), or it does not run (E7403).
        """
        return await self._aside(lambda: jobs.cancel(self._lake, job_id, by=self.by))

    async def _aside(self, work: Callable[[], _T]) -> _T:
        """Run work in a thread of its own, with a lake that is there."""
        if self._is_closed:
            raise LearningError("E7901", "The service was cleaned up.")

        def run() -> _T:
            if not self._is_ready:
                if "://" not in str(self._lake.root) and not self._lake.path("landing").exists():
                    Lake.create(self._lake.root)
                self._is_ready = True
            return work()

        return await asyncio.to_thread(run)

    def _list_golden(self) -> list[str]:
        """Return the texts of the lake that no example may hold."""
        events = decisions.of(self._lake).filter(pl.col("event_type") == "GOLDEN_TEXTS_FROZEN")
        listed = events.select("payload").collect()["payload"]
        return [text for payload in listed for text in json.loads(json.loads(payload)["golden_texts"])]
