"""The command that proposes versions of a policy out of the weaknesses of its agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kaizenlake.cli.shell.options import LAKE, ByOption, JsonOption, LakeOption, TenantOption
from kaizenlake.cli.shell.output import decider, note, open_view, say, say_json
from kaizenlake.vocabulary import ExperimentType

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaizenlake.decide.policies.proposals import PolicyProposal, ProposedDraft
    from kaizenlake.lake.store import Lake


def propose(
    doer: Annotated[str, typer.Argument(help="The agent, such as planner.")],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    policy: Annotated[
        str | None, typer.Option("--policy", help="Policy to vary; the one of its skill card unless given.")
    ] = None,
    experiment_type: Annotated[
        ExperimentType | None, typer.Option("--type", help="What to vary; what its skill card proposes unless given.")
    ] = None,
    adapter: Annotated[
        str | None, typer.Option("--adapter", metavar="NAME@VERSION", help="Adapter of a training job to run with.")
    ] = None,
    call: Annotated[
        str | None,
        typer.Option(
            "--call",
            metavar="MODULE:FUNCTION",
            help="Replay each draft by running recorded inputs through this function.",
        ),
    ] = None,
    golden_set: Annotated[
        str | None, typer.Option("--golden", help="Golden set to replay on, as NAME or NAME@VERSION.")
    ] = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make drafts out of the weaknesses on an agent's skill card, log the experiment and replay each draft. None is promoted.

    A language model writes one of the prompts where the settings `generator` name one.
    """
    from kaizenlake.decide.policies.proposals import ProposalOptions
    from kaizenlake.decide.policies.proposals import propose as make

    opened = open_view(lake, tenant)
    function = None
    if call is not None:
        from kaizenlake.decide.record.user_functions import load_function

        function = load_function(call)
    options = ProposalOptions(
        policy=policy,
        experiment_type=experiment_type,
        adapter=adapter,
        write=_writer(opened),
        call=function,
        golden_set=golden_set,
    )
    made = make(opened, doer, by=decider(by), options=options)
    if as_json:
        say_json(
            {
                "doer": made.doer,
                "experiment_id": made.experiment_id,
                "experiment_type": made.experiment_type,
                "hypothesis": made.hypothesis,
                "drafts": [_gather(item) for item in made.drafts],
            }
        )
        return
    _tell(made)


def _writer(lake: Lake) -> Callable[[str, str], str] | None:
    """Return what writes prompts anew, where the settings name a language model."""
    if not lake.settings.generator.base_url:
        return None
    from kaizenlake.generate.language_model.generator import GeneratorError, GeneratorRequest, PromptAnswer
    from kaizenlake.generate.language_model.openai_endpoint import generator_of

    generator = generator_of(lake)
    assert generator is not None, "the settings name one"

    def write(system: str, prompt: str) -> str:
        try:
            return generator.generate(GeneratorRequest(system, prompt), PromptAnswer).prompt
        except GeneratorError as error:
            note(f"No prompt by the language model: {error.message}")
            return ""

    return write


def _gather(item: ProposedDraft) -> dict[str, object]:
    return {
        "policy_id": item.version.policy_id,
        "policy_version": item.version.policy_version,
        "kind": item.variant.kind,
        "words": item.variant.words,
        "is_new": item.is_new,
        "replay": None if item.replayed is None else dict(item.replayed.payload),
        "why_not_replayed": item.why or None,
    }


def _tell(made: PolicyProposal) -> None:
    say(f"Experiment {made.experiment_id} ({made.experiment_type}): {made.hypothesis}")
    for item in made.drafts:
        state = "a draft" if item.is_new else "a draft already"
        say(f"  {item.version.name} is {state}. {item.variant.words}")
        if item.replayed is None:
            say(f"    {item.why}")
            continue
        payload = item.replayed.payload
        figures = (
            ""
            if payload.get("effect") is None
            else f": effect {payload['effect']:+.4f} ({payload['effect_ci_low']:+.4f} to {payload['effect_ci_high']:+.4f})"
        )
        say(f"    replay {item.replayed.verdict}{figures}{'; '.join(['', *payload['shortfalls']])}")
    say("None was promoted: `kaizen policy diff` compares them, `kaizen policy promote` asks the gates.")
