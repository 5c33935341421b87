"""Trust events: keys of the lake and of persons, what was adopted from an older lake, and what was forgotten; only commands append them."""

from __future__ import annotations

from typing import Annotated

from kaizenlake.events.values.fields import Count, Key, Payload, Word, says


class _Adopted(Payload, frozen=True, kw_only=True):
    """What a person vouches for that carries no seal of the lake's key."""

    events_count: Annotated[Count, says("Events of no batch that are adopted.")]
    events_sha256: Annotated[Key, says("SHA-256 of what they say, as 64 hexadecimal digits.")]
    batch_sha256: Annotated[Key | None, says("Hash of the latest batch until then; not given where there is none.")] = (
        None
    )
    decided_by: Annotated[Key, says("Who asked for it.")]
    system_user: Annotated[Key | None, says("Name under which the operating system knows who ran the command.")] = None
    reason: Annotated[Word | None, says("Why, in words.")] = None


class LakeAdopted(_Adopted, frozen=True, kw_only=True):
    """A person vouches for a lake as it stands: unsigned, as an older format had it, or without decisions that are lost."""

    former_format: Annotated[Count, says("Format that it had.", is_field_name_given=True)]
    decisions_count: Annotated[Count, says("Decisions without a seal that are adopted.")]


class KeyRotated(_Adopted, frozen=True, kw_only=True):
    """Another key signs for the lake from then on, and vouches for everything that was signed before."""

    former_key_id: Annotated[Key | None, says("Key that signed before; not given where it was lost.")] = None
    key_id: Annotated[Key, says("Key that signs now, by the first 16 digits of its SHA-256.")]


class SubjectForgotten(_Adopted, frozen=True, kw_only=True):
    """A person or client was forgotten: the events that named it are gone, and what is left is vouched for anew."""

    subject_kind: Annotated[Key, says("Field of events that named it, or `text`.")]
    subject_mark: Annotated[Key, says("Hash of its id by a secret of the lake, as 64 hexadecimal digits.")]
    subject_length: Annotated[Count, says("Characters of its id.", is_field_name_given=True)]
    forgotten_events_count: Annotated[Count, says("Events of applications that were removed.")]
    forgotten_decisions_count: Annotated[Count, says("Decisions that were removed.")]


class PersonKeyAdded(Payload, frozen=True, kw_only=True):
    """The public key of a person was taken, whose signature an approval may need."""

    person: Annotated[Key, says("The person, as the settings name approvers.")]
    public_key: Annotated[Word, says("Ed25519 key in PEM.")]
    key_id: Annotated[Key, says("That key, by the first 16 digits of its SHA-256.")]
    decided_by: Annotated[Key, says("Who asked for it.")]
    system_user: Annotated[Key | None, says("Name under which the operating system knows who ran the command.")] = None
