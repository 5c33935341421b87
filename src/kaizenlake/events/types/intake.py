"""Intake events: how clear a client's brief is, and how it became clear."""

from __future__ import annotations

from typing import Annotated

from kaizenlake.events.values.fields import Count, Days, Hours, Key, Keys, Payload, Score, Texts, Word, says


class _Intake(Payload, frozen=True, kw_only=True):
    """What every intake event says of its client."""

    industry: Annotated[Key | None, says("Industry of the client.")] = None
    client_type: Annotated[Key | None, says("Kind of client, such as startup or enterprise.")] = None


class IntakeClarityScored(_Intake, frozen=True, kw_only=True):
    """The clarity of a brief was scored."""

    clarity_score: Annotated[Score, says("Clarity of the brief, 0 to 100.")]
    follow_up_questions_count: Annotated[Count | None, says("Questions the brief leaves open.")] = None
    missing_fields: Annotated[Keys, says("Fields of the brief that are missing.")] = []


class IntakeClarificationRequested(_Intake, frozen=True, kw_only=True):
    """The client was asked to clarify the brief."""

    questions: Annotated[Texts, says("Questions that were asked.")]
    blocking: Annotated[bool, says("Work waits for the answers.")] = False


class IntakeClarificationReceived(_Intake, frozen=True, kw_only=True):
    """The client answered."""

    response_time_hours: Annotated[Hours | None, says("Time from question to answer.")] = None
    questions_answered: Annotated[Count | None, says("Questions that were answered.")] = None


class IntakeBlocked(_Intake, frozen=True, kw_only=True):
    """Work on a brief stopped until something is clear."""

    reason: Annotated[Word, says("What it waits for, in words.")]
    missing_fields: Annotated[Keys, says("Fields of the brief that are missing.")] = []


class IntakeApproved(_Intake, frozen=True, kw_only=True):
    """A brief was found clear enough to start."""

    final_clarity_score: Annotated[Score | None, says("Clarity of the brief at the end, 0 to 100.")] = None
    total_clarification_rounds: Annotated[Count | None, says("Rounds of questions it took.")] = None
    days_to_approval: Annotated[Days | None, says("Days from intake to approval.", is_field_name_given=True)] = None
