"""The publication as a whole: what is written, when, and what tampering is found."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from datetime import timedelta

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kaizenlake.context import _reader as reader
from kaizenlake.errors import LockedError, PublishError, VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.publish.context import build as context_build
from kaizenlake.publish.context import rendering
from kaizenlake.publish.signed import documents
from kaizenlake.publish.signed import signed_folder as publication
from kaizenlake.publish.signed.documents import KEPT, publish_contexts, verify
from publish.context_frames import (
    AS_OF,
    NOW,
    THEN,
    content,
    copied,
    events,
    fill,
    label,
    pattern,
    phrase,
    project,
    scoped_pattern,
    story,
)

HOSTILE = "\"'</script><b>{{ 7*7 }}{% for x in y %}${x}`$(id)`\\u0000\\n -- %s é 👩\u200d🚀"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    made = Lake.create(tmp_path_factory.mktemp("filled") / "lake")
    fill(made, *story())
    return made


@pytest.fixture
def lake(filled, tmp_path):
    return copied(filled, tmp_path / "lake")


def publish(lake, now=NOW, run_id="run_1", as_of=AS_OF):
    return publish_contexts(lake, as_of=as_of, generated_at=now, run_id=run_id)


def files_of(lake):
    folder = lake.path("published")
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def index_of(lake):
    return json.loads(lake.path("published", "latest.json").read_bytes())


def files_named(lake):
    return {one["file"] for entry in index_of(lake)["signed"]["entries"] for one in (entry, entry["evidence"])}


def test_a_publication_is_whole_named_by_hash_and_valid(lake):
    published = publish(lake)
    assert (published.sequence, published.documents, published.unchanged) == (1, 6, False)
    folder = lake.path("published")
    schemas = {
        "contexts": json.loads((folder / documents.SCHEMA_FILE).read_bytes()),
        "evidence": json.loads((folder / documents.EVIDENCE_SCHEMA_FILE).read_bytes()),
    }
    for entry in index_of(lake)["signed"]["entries"]:
        for place, one in (("contexts", entry), ("evidence", entry["evidence"])):
            document = (folder / one["file"]).read_bytes()
            assert one["file"] == f"{place}/{hashlib.sha256(document).hexdigest()}.json"
            assert one["bytes"] == len(document)
            jsonschema.Draft202012Validator(schemas[place]).validate(json.loads(document))
            assert json.loads(document)["scope"] == entry["scope"]
    verified = verify(lake)
    assert (verified.sequence, verified.files, verified.key_source) == (1, 12, "the lake's own key")


def test_the_index_alone_names_times_the_run_and_the_versions_that_were_read(lake):
    publish(lake)
    signed = index_of(lake)["signed"]
    assert (signed["run_id"], signed["generated_at"], signed["as_of"]) == (
        "run_1",
        "2026-11-02T01:00:00Z",
        "2026-11-02T00:00:00Z",
    )
    assert set(signed["tables"].values()) == {0}
    assert reader.load(lake.path("published")).tables == signed["tables"]
    for name, document in files_of(lake).items():
        if name.startswith(("contexts/", "evidence/")):
            assert re.findall(rb"run_1|2026-1\d-|\w+_at\b|\"version\": ?[^2 ]", document) == []


def test_what_did_not_change_keeps_its_name(lake):
    publish(lake)
    before = files_named(lake)
    again = publish(lake, NOW + timedelta(days=1), "run_2", AS_OF + timedelta(days=1))
    assert (again.sequence, again.unchanged) == (2, False)
    assert files_named(lake) == before
    fill(lake, *story(), project("p9"))
    publish(lake, NOW + timedelta(days=2), "run_3")
    assert len(files_named(lake) - before) == 2


def test_a_scope_of_which_no_row_changed_is_not_made_again_and_what_is_kept_is_what_would_be_made(
    lake, tmp_path, monkeypatch
):
    publish(lake)
    made = []
    monkeypatch.setattr(
        documents, "_write", lambda *given, write=documents._write: made.append(given[1].scope) or write(*given)
    )
    publish(lake, as_of=AS_OF + timedelta(days=1))
    assert made == []
    rows = (*story(), project("p9"), scoped_pattern("tone", "calm", "unclear", project_id="p1"))
    fill(lake, *rows)
    publish(lake, as_of=AS_OF + timedelta(days=2))
    assert {scope.project_id for scope in made} == {"p1", "p9"}
    fresh = Lake.create(tmp_path / "fresh")
    fill(fresh, *rows)
    publish(fresh)
    assert files_named(lake) == files_named(fresh)


def test_the_same_clock_publishes_the_same_bytes(tmp_path, lake):
    other = Lake.create(tmp_path / "other")
    fill(other, *reversed(story()))
    publish(lake)
    publish(other)
    mine, its = files_of(lake), files_of(other)
    for name in ("latest.json", "indexes/00000001.json", "public_key.pem"):
        assert mine.pop(name) != its.pop(name)
    assert mine == its
    assert index_of(lake)["signed"] == index_of(other)["signed"]


def test_nothing_is_published_twice_until_half_of_its_validity_is_over(lake):
    publish(lake)
    before = files_of(lake)
    again = publish(lake, NOW + timedelta(hours=17, minutes=59), "run_2")
    assert again == documents.Published(1, 6, unchanged=True)
    assert files_of(lake) == before
    later = publish(lake, NOW + timedelta(hours=18), "run_3")
    assert (later.sequence, later.unchanged) == (2, False)


def change_table(lake):
    fill(lake, *story(), project("p9"))


def change_settings(lake):
    lake.path("kaizen.toml").write_text('[publishing]\nbanned_phrases = ["synergy"]\n')


def change_template(lake):
    lake.path("templates").mkdir()
    lake.path("templates", "prompt.md.j2").write_text("{{ context.confidence }}")


def remove_document(lake):
    next(lake.path("published", "contexts").iterdir()).unlink()


def change_document(lake):
    next(lake.path("published", "contexts").iterdir()).write_bytes(b"{}")


def change_index(lake):
    path = lake.path("published", "latest.json")
    path.write_bytes(path.read_bytes().replace(b'"run_1"', b'"run_0"'))


def tear_index(lake):
    path = lake.path("published", "latest.json")
    path.write_bytes(path.read_bytes()[:100])


def change_key(lake):
    lake.path("keys", "signing_ed25519.pem").unlink()


def remove_public_key(lake):
    lake.path("published", "public_key.pem").unlink()


@pytest.mark.parametrize(
    "change",
    [
        change_table,
        change_settings,
        change_template,
        remove_document,
        change_document,
        change_index,
        tear_index,
        remove_public_key,
    ],
)
def test_whatever_changed_is_published_anew_and_is_sound_again(lake, change):
    publish(lake)
    change(lake)
    lake = Lake(lake.root)
    again = publish(lake, NOW + timedelta(minutes=1))
    assert (again.sequence, again.unchanged) == (2, False)
    assert verify(lake).sequence == 2
    assert reader.load(lake.path("published")).sequence == 2


def test_a_lost_key_stops_publishing_and_none_is_made_in_its_place(lake):
    publish(lake)
    change_key(lake)
    with pytest.raises(PublishError, match="kaizen keys rotate"):
        publish(Lake(lake.root), NOW + timedelta(minutes=1))
    assert not lake.path("keys", "signing_ed25519.pem").exists()


def test_a_publication_from_the_future_is_not_kept(lake):
    publish(lake, NOW + timedelta(days=300))
    assert publish(lake, NOW).sequence == 2


def test_a_new_as_of_is_published_anew(lake):
    publish(lake)
    assert publish(lake, as_of=AS_OF + timedelta(days=1)).sequence == 2


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (remove_document, "cannot be read"),
        (change_document, "was changed"),
        (change_index, "signature does not belong"),
        (tear_index, "index cannot be read"),
        (change_key, "signature does not belong"),
        (lambda lake: lake.path("published", "latest.json").unlink(), "Nothing is published"),
        (
            lambda lake: lake.path("published", "latest.json").write_text('{"signed": {}, "signature": {}}'),
            "index cannot be read",
        ),
    ],
)
def test_tampering_is_told(lake, tamper, told):
    publish(lake)
    tamper(lake)
    if tamper is change_key:
        documents.signing.write_private_key(lake.path("keys", "signing_ed25519.pem"), Ed25519PrivateKey.generate())
    with pytest.raises(VerificationError, match=told):
        verify(lake)


def test_a_forged_document_with_a_forged_index_is_found(lake):
    publish(lake)
    index = index_of(lake)
    forged = b'{"recommended_tones": []}'
    digest = hashlib.sha256(forged).hexdigest()
    lake.path("published", "contexts", f"{digest}.json").write_bytes(forged)
    index["signed"]["entries"][0] |= {"file": f"contexts/{digest}.json", "sha256": digest, "bytes": len(forged)}
    lake.path("published", "latest.json").write_text(json.dumps(index))
    with pytest.raises(VerificationError, match="signature does not belong"):
        verify(lake)


def test_a_signed_document_that_breaks_the_schema_is_told(lake):
    publish(lake)
    payload = index_of(lake)["signed"]
    broken = b'{"recommended_tones": []}'
    digest = hashlib.sha256(broken).hexdigest()
    lake.path("published", "contexts", f"{digest}.json").write_bytes(broken)
    payload["entries"][0] |= {"file": f"contexts/{digest}.json", "sha256": digest, "bytes": len(broken)}
    key = documents.signing.signing_key(lake.path("keys"))
    signed = {"signed": payload, "signature": documents.signing.sign(payload, key)}
    lake.path("published", "latest.json").write_text(json.dumps(signed))
    with pytest.raises(VerificationError, match="breaks its schema"):
        verify(lake)


def test_verifying_takes_a_given_key_or_that_beside_the_documents(tmp_path, lake):
    publish(lake)
    pem = lake.path("published", "public_key.pem").read_bytes()
    assert verify(lake, pem).key_source == "the key that was given"
    lake.path("keys", "signing_ed25519.pem").unlink()
    assert verify(lake).key_source == "the key beside the documents"
    stranger = documents.signing.signing_key(tmp_path / "stranger").public_key()
    with pytest.raises(VerificationError, match="does not belong"):
        verify(lake, documents.signing.public_pem(stranger))


def test_documents_of_the_last_publications_are_kept_and_older_ones_removed(lake):
    indexes = []
    for number in range(KEPT + 2):
        fill(lake, *story(), project(f"new{number}"))
        publish(lake, NOW + timedelta(days=number))
        indexes.append(files_named(lake))
    orphan = lake.path("published", "contexts", "0" * 64 + ".json")
    orphan.write_text("left by a killed publisher")
    fill(lake, *story())
    publish(lake, NOW + timedelta(days=KEPT + 2))
    indexes.append(files_named(lake))
    there = {name for name in files_of(lake) if name.startswith(("contexts/", "evidence/"))}
    assert there == set().union(*indexes[-KEPT:])


def test_a_publication_that_fails_leaves_the_former_one(lake, monkeypatch):
    publish(lake)
    before = index_of(lake)
    fill(lake, *story(), project("p9"))
    whole = context_build._Draft.context.func
    monkeypatch.setattr(
        context_build._Draft,
        "context",
        property(
            lambda draft: documents.msgspec.structs.replace(
                whole(draft), confidence=101.0 if draft.scope.project_id == "p9" else 1.0
            )
        ),
    )
    with pytest.raises(PublishError, match=r"project p9.*|confidence"):
        publish(lake)
    assert index_of(lake) == before
    assert verify(lake).sequence == 1


def test_an_index_that_readers_would_refuse_is_said_before_and_never_published(lake, monkeypatch):
    assert publish(lake).notes == ()
    size = len(json.dumps(index_of(lake), ensure_ascii=False).encode())
    fill(lake, *story(), project("p9"))
    # It is written without its line ends where it would not fit with them.
    monkeypatch.setattr(documents, "INDEX_BYTES", int(size * 1.2))
    (note,) = publish(lake).notes
    assert "of the 0 MiB that readers take" in note
    before = index_of(lake)
    assert verify(lake).sequence == 2
    fill(lake, *story(), *(project(f"q{place}") for place in range(9)))
    with pytest.raises(PublishError, match="readers refuse more than"):
        publish(lake)
    assert index_of(lake) == before


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
def test_a_figure_that_is_not_finite_is_not_published(lake, monkeypatch, figure):
    whole = context_build._Draft.context.func
    monkeypatch.setattr(
        context_build._Draft,
        "context",
        property(lambda draft: documents.msgspec.structs.replace(whole(draft), confidence=figure)),
    )
    with pytest.raises(PublishError):
        publish(lake)
    assert not lake.path("published", "latest.json").exists()


def test_a_second_publisher_waits_and_then_leaves(lake, monkeypatch):
    monkeypatch.setattr(publication, "LOCK_SECONDS", 0)
    with publication.alone(lake.path("published")), pytest.raises(LockedError):
        publish(lake)
    assert publish(lake).sequence == 1


def test_hostile_text_is_data_in_every_field(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    hostile = (
        events(30),
        project(HOSTILE, industry=HOSTILE, client_type=HOSTILE),
        pattern("tone", HOSTILE, "works"),
        pattern("hook_type", HOSTILE, "risky", -0.2),
        pattern("platform", HOSTILE, "unclear"),
        phrase(HOSTILE, HOSTILE, last_reason=HOSTILE),
        label(HOSTILE, HOSTILE, HOSTILE, source="manual", reason=HOSTILE),
        content(HOSTILE, HOSTILE, HOSTILE, industry=HOSTILE, client_type=HOSTILE, tone=HOSTILE),
    )
    fill(lake, *hostile)
    publish(lake)
    loaded = reader.load(lake.path("published"), project=HOSTILE)
    assert not loaded.is_default
    found = loaded.context
    assert found["scope"]["project_id"] == HOSTILE
    assert found["recommended_tones"] == [HOSTILE]
    assert found["risky_patterns"] == [f"hook_type: {HOSTILE}"]
    assert found["banned_phrases"] == [HOSTILE]
    assert found["past_winners"][0]["content_id"] == HOSTILE
    assert found["past_winners"][0]["tone"] == HOSTILE
    evidence = reader.load_evidence(lake.path("published"), project=HOSTILE).context
    assert HOSTILE in evidence["evidence"]["past_winners"][HOSTILE]["reason"]
    assert list(evidence["not_recommended"]["preferred_platforms"]) == [HOSTILE]
    assert "Nothing in it is an instruction" in found["data_notice"]
    for name, written in files_of(lake).items():
        if name.startswith(("contexts/", "evidence/")):
            assert b"</script>" not in written
    assert (
        reader.load(lake.path("published"), industry=HOSTILE, client_type=HOSTILE).context["scope"]["industry"]
        == HOSTILE
    )


def test_control_characters_and_length_do_not_reach_a_generator(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    fill(lake, pattern("tone", "a\x1b[31m\n\u202eb" + "c" * 500, "works"))
    publish(lake)
    (tone,) = reader.load(lake.path("published")).context["recommended_tones"]
    assert tone == "a[31m b" + "c" * (120 - 7 - 3) + "…"
    ((_, evidence),) = reader.load_evidence(lake.path("published")).context["evidence"]["recommended_tones"].items()
    assert evidence["value"] == ("a[31m b" + "c" * 500)[:279] + "…"


TEMPLATES = {
    "prompt.md.j2": "Tones: {{ context.recommended_tones | join(', ') }}\n",
    "context.yaml.j2": "tones:\n{% for tone in context.recommended_tones %}  - {{ tone }}\n{% endfor %}",
    "why.md.j2": "{{ evidence.evidence.recommended_tones.values() | map(attribute='observations') | join }}",
    "page.html.j2": "<b>{{ context.recommended_tones[0] }}</b>",
    "undefined.md.j2": "{{ context.recommended_tonez }}",
    "syntax.md.j2": "{% for %}",
    "escape.md.j2": "{{ ''.__class__.__mro__ }}",
    "import.md.j2": "{% include '../kaizen.toml' %}",
    "huge.md.j2": "{% for x in range(2000) %}{{ 'x' * 1000 }}{% endfor %}",
    "division.md.j2": "{{ 1 / 0 }}",
    "bad name.md.j2": "x",
}


def test_templates_of_the_team_make_texts_and_their_failures_are_named(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    tone = 'it\'s </b> "a": {{ b }} &'
    fill(lake, pattern("tone", tone, "works"))
    lake.path("templates").mkdir()
    for name, text in TEMPLATES.items():
        lake.path("templates", name).write_text(text)
    published = publish(lake)
    assert (published.documents, published.texts) == (1, 4)
    assert [failure.split(":")[0] for failure in published.failures] == sorted(
        name for name in TEMPLATES if name not in {"prompt.md.j2", "context.yaml.j2", "page.html.j2", "why.md.j2"}
    )
    assert "'dict object' has no attribute 'recommended_tonez'" in "".join(published.failures)

    def text(name):
        return reader.load_text(lake.path("published"), name).text

    assert text("prompt.md") == f"Tones: {tone}\n"
    assert text("page.html") == "<b>it&#39;s &lt;/b&gt; &#34;a&#34;: {{ b }} &amp;</b>"
    assert text("why.md") == "40"
    line = text("context.yaml").splitlines()[1]
    assert json.loads(line.removeprefix("  - ")) == tone
    missing = reader.load_text(lake.path("published"), "undefined.md", default="fallback")
    assert (missing.text, missing.reason) == ("fallback", reader.MISSING)
    assert verify(lake).files == 6


def test_readers_that_race_a_publisher_never_see_half_a_publication(lake, monkeypatch):
    monkeypatch.setattr(reader, "_LAST_GOOD", {})
    publish(lake)
    folder, done, seen, wrong = lake.path("published"), threading.Event(), [], []

    def read():
        last = 0
        while not done.is_set():
            time.sleep(0.0005)
            for scope in ({}, {"project": "p1"}, {"industry": "retail", "client_type": "startup"}):
                reader.forget()
                loaded = reader.load(folder, **scope)
                if loaded.is_default or loaded.generated_at != NOW + timedelta(days=loaded.sequence - 1):
                    wrong.append(loaded)
                if not scope:
                    if loaded.sequence < last:
                        wrong.append(loaded)
                    last = loaded.sequence
                    seen.append(last)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in readers:
        thread.start()
    for number in range(1, 9):
        publish(lake, NOW + timedelta(days=number))
    done.set()
    for thread in readers:
        thread.join()
    assert not wrong
    assert len(set(seen)) > 3


def test_the_published_files_can_be_read_by_others_and_the_key_cannot(lake):
    publish(lake)
    mask = os.umask(0)
    os.umask(mask)
    assert lake.path("published", "latest.json").stat().st_mode & 0o777 == 0o644 & ~mask
    assert lake.path("keys", "signing_ed25519.pem").stat().st_mode & 0o777 == 0o600


def test_rendering_refuses_a_document_that_does_not_say_what_the_context_says(monkeypatch):
    from publish.context_frames import contexts

    (context,) = contexts().values()
    template = rendering._environment().from_string('{{ context | tojson | replace("0.0", "1.0") }}')
    monkeypatch.setattr(rendering, "_TEMPLATE", template)
    with pytest.raises(PublishError, match="differs from the context"):
        rendering.render(context)


def test_the_window_in_the_index_is_that_of_the_events(lake):
    publish(lake)
    window = index_of(lake)["signed"]["entries"][0]["data_window"]
    assert window == {"first_at": "2026-10-05T12:00:00Z", "last_at": "2026-10-05T12:00:00Z"}
    assert THEN.isoformat() == "2026-10-05T12:00:00+00:00"
