"""A tenant is a wall: what is published, reported and answered for one holds no word of another."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from typing import Literal, get_args, get_origin, get_type_hints

import polars as pl
import pytest
from deltalake import write_deltalake
from typer.testing import CliRunner

from kaizenlake import LearningOps, tables
from kaizenlake.cli.app import app
from kaizenlake.cli.shell.output import with_tenant
from kaizenlake.context import TENANT_NEEDED, forget, load, load_evidence, load_skill, load_text, route, tenant_folder
from kaizenlake.decide.canaries import deployments
from kaizenlake.decide.canaries.deployments import DeploymentPlan
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.drafts import PolicyDraft
from kaizenlake.decide.record import trust
from kaizenlake.errors import TenantNeededError, UsageError
from kaizenlake.events.catalogue import LOGGED, by_name
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust.tenants import tenants, view_of, views
from kaizenlake.lake.upkeep.maintain import maintain
from kaizenlake.night.deciding import publish_as_decided
from kaizenlake.night.run import nightly
from kaizenlake.night.verify import checks
from kaizenlake.service import KaizenService
from kaizenlake.tables import Events
from kaizenlake.testing import AS_OF, START, sample_events
from night.drawn import contents
from publish.reading import text_of

pytestmark = pytest.mark.usefixtures("nightly_site")

ALPHA, BETA = "Alpha & Söhne", "beta"
MARK = {ALPHA: "zqalphaqz", BETA: "zqbetaqz", None: "zqnobodyqz"}
"""A word in every free field of the events of a tenant, and in nothing of another."""

SHARED = frozenset({"doer", "policy_id", "policy_version", "content_id", "experiment_id", "deployment_id", "platform"})
"""Names that both tenants use for things of their own."""

PLAIN = frozenset({"language", "currency"})
"""Fields that take no free word."""


def is_free(event, field):
    hint = get_type_hints(event.payload, include_extras=False)[field.name]
    closed = any(get_origin(part) is Literal for part in (hint, *get_args(hint)))
    return field.kind in {"str", "list", "dict"} and not closed and field.name not in SHARED | PLAIN


def marked(value, mark):
    if isinstance(value, str):
        return f"{value} {mark}"
    if isinstance(value, list):
        return [marked(item, mark) for item in value]
    if isinstance(value, dict):
        return {f"{key}_{mark}": item for key, item in value.items()}
    return value


def lines_of(tenant, seed, count):
    """Lines of sample events of every type that applications log, each free field of which holds the tenant's mark."""
    mark = MARK[tenant]
    logged = {event.name for event in LOGGED}
    for row in sample_events(count, seed=seed).iter_rows(named=True):
        event = by_name(row["event_type"])
        if event.name not in logged:
            continue
        free = {field.name for field in event.fields if is_free(event, field)}
        payload = {
            name: marked(value, mark) if name in free else value for name, value in json.loads(row["payload"]).items()
        }
        line = {
            "id": f"{mark}-{row['event_id']}", "type": event.name, "occurred_at": row["occurred_at"].isoformat(),
            "project_id": row["project_id"], "tenant_id": tenant, "payload": payload, "source": f"source {mark}",
            "tags": [f"tag {mark}"], "metadata": {f"key {mark}": f"value {mark}"},
        }  # fmt: skip
        yield json.dumps({name: value for name, value in line.items() if value is not None}).encode() + b"\n"


def land(lake, tenant, seed, count=250):
    name = f"{seed}.ndjson"
    (lake.path("landing") / name).write_bytes(b"".join(lines_of(tenant, seed, count)))


def decide(lake, tenant):
    """A policy with a canary, of the same names for every tenant, whose content and reasons are the tenant's."""
    view, mark = view_of(lake, tenant or "", may_be_new=True), MARK.get(tenant, tenant)
    told = {"by": f"person {mark}", "reason": f"because {mark}", "now": START}
    for version, status in (("1.0.0", "active"), ("1.1.0", "canary")):
        draft = PolicyDraft(doer="doer-0", policy="policy", version=version, prompts={f"system {mark}": f"Say {mark}."})
        policies.create(view, draft, **told)
        policies.promote(view, "policy", version, to=status, override=True, **told)
    plan = DeploymentPlan(
        mode="canary", policy_id="policy", candidates=("1.1.0",), shares=(0.5,), deployment_id="canary-1"
    )
    deployments.start(view, plan, **told)


def night(lake, reports=None):
    run = nightly(lake, as_of=AS_OF, reports=reports)
    assert run.status == "done", run.errors
    assert not run.landing.quarantined, run.landing.by_rule
    return run


def words_of(folder):
    """Everything that lies in a folder by its path: names, bytes, and the words of papers."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            text = text_of(content) if path.suffix == ".pdf" else content.decode("utf-8")
            yield path.relative_to(folder), f"{path.relative_to(folder)}\n{text}".lower()


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """A lake with two tenants and events of none, after its night."""
    lake = Lake.create(tmp_path_factory.mktemp("several") / "lake")
    lake.path("templates").mkdir()
    (lake.path("templates") / "prompt.md.j2").write_text("{{ context | tojson }}")
    for seed, tenant in enumerate(MARK):
        land(lake, tenant, seed)
        if tenant is not None:
            decide(lake, tenant)
    return lake, night(lake, lake.path("..") / "reports")


def of_tenant(lake, tenant):
    place = ("tenants", tenant_folder(tenant))
    day, site = sorted((lake.path("..") / "reports").iterdir())
    return tuple(folder.joinpath(*place) for folder in (lake.path("published"), day, site))


@pytest.mark.parametrize("tenant", MARK)
def test_nothing_that_leaves_for_a_tenant_holds_a_word_of_another(several, tenant):
    lake, _ = several
    others = [mark for other, mark in MARK.items() if other != tenant]
    for folder in of_tenant(lake, tenant):
        found = dict(words_of(folder))
        assert any(MARK[tenant] in words for words in found.values()), "its own words are there"
        assert [path for path, words in found.items() if any(mark in words for mark in others)] == []
    names = {str(path) for path, _ in words_of(of_tenant(lake, tenant)[0])}
    assert {"latest.json", "alerts.json"} <= names
    assert ("policies/doer-0.json" in names) == (tenant is not None)


def test_above_the_tenants_stands_what_names_nobody(several):
    lake, _ = several
    published = lake.path("published")
    day, site = sorted((published / ".." / ".." / "reports").resolve().iterdir())
    above = {str(path): words for path, words in words_of(published) if path.parts[0] != "tenants"}
    assert {path for path in above if not path.startswith("schema/")} == {
        "latest.json", "public_key.pem", ".publishing.lock",
    }  # fmt: skip
    assert not [path for path, words in above.items() if any(mark in words for mark in MARK.values())]
    assert not any(name in words for words in above.values() for name in ("alpha", "beta"))
    assert {path.name for folder in (day, site) for path in folder.iterdir()} == {"tenants"}
    assert {path.name for path in (published / "tenants").iterdir()} == {
        "=41lpha=20=26=20=53=c3=b6hne", "beta", "~none",
    }  # fmt: skip


@pytest.mark.parametrize("tenant", MARK)
def test_tables_and_answers_of_a_tenant_hold_no_word_of_another(several, tenant):
    lake, _ = several
    view, others = view_of(lake, tenant or ""), [mark for other, mark in MARK.items() if other != tenant]
    for table in tables.TABLES:
        shown = view.scan(table).collect().write_ndjson().lower()
        assert not any(mark in shown for mark in others), tables.full_name(table)
    service = KaizenService(lake, tenant=tenant or "")
    told = repr((service.build_context(), service.explain(), service.get_win_rates("tone"))).lower()
    told += repr(service.get_top_performing_patterns("tones")).lower()
    assert not any(mark in told for mark in others)


def test_who_names_no_tenant_gets_the_default_and_is_told_why(several):
    lake, _ = several
    published = lake.path("published")
    for answer in (
        load(published), load(published, project="project-0"), load_evidence(published),
        load_text(published, "prompt.md"), load_skill(published, "doer-0"), route("doer-0", "user", published),
    ):  # fmt: skip
        assert (answer.reason, answer.is_default) == (TENANT_NEEDED, True)
    routed = route("doer-0", "user", published)
    assert (routed.policy_version, routed.document) == (None, {})
    for ask in (
        lambda: KaizenService(lake).build_context(),
        lambda: KaizenService(lake).get_win_rates(),
        lambda: LearningOps(lake).get_active_policy("doer-0"),
        lambda: policies.state(lake),
    ):
        with pytest.raises(TenantNeededError, match=r"tenant needed: the lake has 3 tenants\..*--tenant"):
            ask()


@pytest.mark.parametrize("tenant", MARK)
def test_who_names_a_tenant_gets_what_is_published_for_it(several, tenant):
    lake, run = several
    published, mark = lake.path("published"), MARK[tenant]
    loaded = load(published, tenant=tenant or "", project="project-0", public_key=published / "public_key.pem")
    assert (loaded.reason, loaded.context["tenant"]) == ("fresh", tenant)
    routed = route("doer-0", "user", published, tenant=tenant or "")
    prompts = {f"system {mark}": f"Say {mark}."} if tenant is not None else {}
    assert (routed.document.get("prompts", {}), routed.is_default) == (prompts, tenant is None)
    assert load_skill(published, "doer-0", tenant=tenant or "").reason == "fresh"
    # Whoever is given the folder of a tenant alone, names none.
    own = published / "tenants" / tenant_folder(tenant)
    assert load(own).context == load(own, tenant=tenant or "").context == load(published, tenant=tenant or "").context
    (counted,) = (item for item in run.tenants if item.tenant_id == tenant)
    assert (counted.events > 50, counted.publication) == (True, load(own).sequence)


def test_a_folder_of_one_tenant_in_the_place_of_another_is_not_read(several, tmp_path):
    lake, _ = several
    published = lake.path("published")
    (tmp_path / "tenants" / "beta").parent.mkdir()
    (tmp_path / "tenants" / "beta").symlink_to(published / "tenants" / tenant_folder(ALPHA))
    assert load(tmp_path, tenant=BETA).reason == "default: missing"
    assert route("doer-0", "user", tmp_path, tenant=BETA).policy_version is None
    assert load_skill(tmp_path, "doer-0", tenant=BETA).is_default


def test_a_tenant_that_is_not_there_is_named_with_those_that_are(several):
    lake, _ = several
    with pytest.raises(UsageError, match=r"no event of the tenant 'betta' \(did you mean 'beta'\?\)|betta"):
        KaizenService(lake, tenant="betta").build_context()
    assert load(lake.path("published"), tenant="betta").reason == "default: missing"


def told_by(*words):
    return CliRunner().invoke(app, list(map(str, words)), catch_exceptions=True)


@pytest.mark.parametrize(
    "words",
    [
        ("show", "win_rates"), ("context",), ("explain",), ("skill",), ("report",), ("policy", "list"),
        ("policy", "audit"), ("canary", "list"), ("golden", "list"), ("golden", "freeze", "core", "--doer", "doer-0"),
    ],
)  # fmt: skip
def test_a_command_that_names_no_tenant_says_how_to(several, words):
    lake, _ = several
    told = told_by(*words, "--lake", lake.root)
    assert isinstance(told.exception, TenantNeededError)
    assert "tenant needed" in str(told.exception)
    assert "--tenant" in str(told.exception)


def test_a_command_that_names_a_tenant_tells_of_it_alone(several):
    lake, _ = several
    of_beta = ("--lake", lake.root, "--tenant", BETA)
    for words in (
        ("show", "contents"),
        ("context",),
        ("explain",),
        ("skill",),
        ("policy", "audit"),
        ("canary", "list"),
    ):
        told = told_by(*words, *of_beta)
        assert (told.exit_code, told.exception) == (0, None)
        assert not any(mark in told.output for tenant, mark in MARK.items() if tenant != BETA)
    assert "1.1.0" in told_by("policy", "list", *of_beta).output
    assert told_by("policy", "list", "--lake", lake.root, "--tenant", "").output.startswith("There is no policy yet")
    assert told_by("show", "landings", "--lake", lake.root).exit_code == 0, "it is about the lake itself"


def test_a_lake_with_several_tenants_verifies(several):
    lake, _ = several
    found = list(checks(lake))
    assert [check for check in found if check.error is not None] == []
    assert sum("of beta" in check.name for check in found) == 6


def test_a_second_tenant_moves_what_stood_for_the_first_and_back(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    published = lake.path("published")
    land(lake, BETA, 1, 60)
    decide(lake, BETA)
    night(lake)
    first = load(published)
    assert (first.reason, first.context["tenant"]) == ("fresh", BETA)
    assert load(published, tenant=BETA).context == first.context
    assert load(published, tenant="other").reason == "default: missing"
    assert route("doer-0", "user", published, tenant=BETA).policy_id == "policy"
    assert not (published / "tenants").exists()

    land(lake, ALPHA, 0, 60)
    night(lake)
    second = load(published, tenant=BETA)
    assert (second.reason, second.context["tenant"]) == ("fresh", BETA)
    assert second.sequence > first.sequence
    assert load(published).reason == TENANT_NEEDED, "the last good one of the process is not answered either"
    assert route("doer-0", "user", published).reason == TENANT_NEEDED
    assert route("doer-0", "user", published, tenant=BETA).policy_id == "policy"
    assert route("doer-0", "user", published, tenant=ALPHA).policy_id is None
    assert not (published / "contexts").exists()

    # A lake that holds one of them again, in the same place.
    alone = Lake.create(tmp_path / "alone")
    (tmp_path / "alone" / "published").rmdir()
    published.rename(tmp_path / "alone" / "published")
    published = alone.path("published")
    (alone.path("keys")).mkdir()
    for file in lake.path("keys").glob("*.pem"):
        file.rename(alone.path("keys") / file.name)
    land(alone, BETA, 1, 60)
    night(alone)
    third = load(published)
    assert (third.reason, third.context["tenant"]) == ("fresh", BETA)
    assert third.sequence > load(published, tenant=BETA).sequence - 1 >= second.sequence
    assert not (published / "tenants").exists()


def test_what_is_about_the_lake_itself_makes_no_tenant(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    decide(lake, BETA)
    trust.rotate(lake, by="ann")
    assert tenants(lake) == (BETA,)
    assert policies.state(lake).version("policy", "1.0.0").status == "active"


def test_a_decision_for_one_tenant_does_not_touch_the_other_of_the_same_name(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    for tenant in (ALPHA, BETA):
        decide(lake, tenant)
    alpha, beta = views(lake)
    policies.roll_back(alpha, "policy", "1.1.0", by="ann", now=START + timedelta(hours=1))
    assert policies.state(alpha).version("policy", "1.1.0").status == "archived"
    assert policies.state(beta).version("policy", "1.1.0").status == "canary"
    assert [item.status for item in policies.state(beta).deployments_of("policy")] == ["running"]
    assert [item.status for item in policies.state(alpha).deployments_of("policy")] == ["ended"]


def runs_of(lake, tenant, name, days=range(1, 6)):
    """Land runs of both versions of the policy, in its canary."""
    lines = [
        {
            "id": f"{name}-{day}-{unit}", "type": "RUN_COMPLETED",
            "occurred_at": (START + timedelta(days=day)).isoformat(), "tenant_id": tenant,
            "payload": {
                "run_id": f"{name}-{day}-{unit}", "doer": "doer-0", "policy_id": "policy", "unit_id": f"u{unit}",
                "policy_version": ("1.0.0", "1.1.0")[unit % 2], "deployment_id": "canary-1", "gates_passed": unit % 4,
                "gates_total": 4,
            },
        }
        for day in days for unit in range(12)
    ]  # fmt: skip
    text = "".join(
        json.dumps({key: value for key, value in line.items() if value is not None}) + "\n" for line in lines
    )
    (lake.path("landing") / f"{name}.ndjson").write_text(text)


def compared(lake, tenant):
    """What rests on decisions and runs together, as a tenant has it."""
    view = view_of(lake, tenant)
    looks = view.scan(tables.CanaryLooks).collect()
    policy = policies.state(view).policies
    return (
        view.scan(tables.CanaryUnits).collect().height,
        sorted(set(looks["tenant_id"])),
        sorted(policy.select("policy_version", "status", "tenant_id").iter_rows()),
    )


def test_what_was_decided_before_the_first_event_belongs_to_the_tenant_that_came_first(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    decide(lake, None)
    first = night(lake)
    assert [item.tenant_id for item in first.tenants] == [None]
    runs_of(lake, BETA, "runs")
    night(lake)
    assert tenants(lake) == (BETA,)
    found = compared(lake, None)
    assert found == (60, [BETA], [("1.0.0", "active", BETA), ("1.1.0", "canary", BETA)])
    assert found == compared(lake, BETA)
    published = lake.path("published")
    for tenant in (None, BETA):
        assert route("doer-0", "user", published, tenant=tenant).deployment_id == "canary-1"
        assert load_skill(published, "doer-0", tenant=tenant).reason == "fresh"
    assert "canary-1" in told_by("canary", "list", "--lake", lake.root).output
    assert not [check for check in checks(lake) if check.error is not None]
    step_by_step = contents(lake)
    assert nightly(lake, as_of=AS_OF, full=True).exit_code == 0
    assert contents(lake) == step_by_step, "made anew from the events it is the same"

    # Others come, also without a tenant: what was the first one's stays so.
    runs_of(lake, ALPHA, "others")
    runs_of(lake, None, "nobody")
    night(lake)
    assert tenants(lake) == (None, ALPHA, BETA)
    assert compared(lake, BETA) == found
    assert compared(lake, ALPHA)[2] == compared(lake, "")[2] == []
    assert route("doer-0", "user", published, tenant=BETA).deployment_id == "canary-1"
    assert route("doer-0", "user", published, tenant=ALPHA).policy_id is None
    policies.roll_back(view_of(lake, BETA), "policy", "1.1.0", by="ann", now=AS_OF)
    assert compared(lake, BETA)[2][1] == ("1.1.0", "archived", BETA)


def test_decisions_of_nobody_in_a_lake_that_began_with_several_are_named(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    decide(lake, None)
    runs_of(lake, ALPHA, "alpha")
    runs_of(lake, BETA, "beta")
    done = night(lake)
    assert tenants(lake) == (ALPHA, BETA)
    assert "name no tenant and count for nobody" in " ".join(done.step("doubt").why)
    assert compared(lake, ALPHA)[2] == compared(lake, BETA)[2] == []
    with pytest.raises(UsageError, match="no event without a tenant"):
        view_of(lake, "", may_be_new=True)


def test_a_row_that_somebody_wrote_makes_no_tenant_and_changes_no_figure(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    decide(lake, BETA)
    runs_of(lake, BETA, "runs")
    night(lake)
    before = contents(lake)
    rows = lake.scan(Events).collect()
    run, decision = rows.filter(event_type="RUN_COMPLETED")[[3]], rows.filter(event_type="POLICY_PROMOTED")[[0]]
    unsigned = {"batch": pl.lit(None, pl.Int64), "seal": pl.lit(None, pl.String)}
    evil = {"event_id": pl.lit("forged"), "tenant_id": pl.lit("evil")}
    forged = [
        run.with_columns(**evil, **unsigned),
        run.with_columns(**evil, seal=pl.lit(None, pl.String)),
        run,
        run.with_columns(**evil, batch=pl.lit(7, pl.Int64), seal=pl.lit("{}")),
        decision.with_columns(**evil),
        decision.with_columns(**evil, **unsigned),
    ]
    for row in forged:
        write_deltalake(lake.uri(Events), row.to_arrow(), mode="append")
    assert tenants(lake) == (BETA,)
    done = night(lake)
    assert contents(lake) == before
    said = " ".join(done.step("doubt").why)
    for words in (
        "1 event of no batch",
        "batch 1: 60 events were landed, and 62 are there; 2 others",
        "batch 7",
        "POLICY_",
    ):
        assert words in said
    assert nightly(lake, as_of=AS_OF, full=True).exit_code == 0
    assert contents(lake) == before
    told = " ".join(str(check.error) for check in checks(lake) if check.error is not None)
    for words in ("not landed by this lake", "batch 1", "batch 7", "POLICY_PROMOTED"):
        assert words in told
    # Maintenance keeps apart what it cannot tell apart later, and a new landing goes on.
    maintain(lake)
    runs_of(lake, BETA, "more", range(6, 7))
    night(lake)
    assert tenants(lake) == (BETA,)
    assert lake.scan(tables.Crl).collect().height == 72


@pytest.fixture
def decided(tmp_path):
    """A lake in which there are decisions for two tenants, which are published."""
    lake = Lake.create(tmp_path / "lake")
    for tenant in (ALPHA, BETA):
        decide(lake, tenant)
    publish_as_decided(view_of(lake, ALPHA))
    return lake


def test_readers_of_a_tenant_that_came_after_a_rotation_follow_the_key(decided, tmp_path):
    old = decided.path("published", "public_key.pem").read_bytes()
    trust.rotate(decided, by="ann")
    decide(decided, "gamma")
    publish_as_decided(view_of(decided, "gamma"))
    trust.rotate(decided, by="ann")
    decide(decided, "delta")
    publish_as_decided(view_of(decided, "delta"))
    for tenant in (ALPHA, "gamma", "delta"):
        # A reader that may see nothing but the folder of its tenant.
        own = tmp_path / "alone" / tenant_folder(tenant)
        shutil.copytree(decided.path("published", "tenants", tenant_folder(tenant)), own)
        assert route("doer-0", "user", own, public_key=old).policy_id == "policy", tenant


@pytest.mark.parametrize(
    "words",
    [
        ("policy", "show", "nope", "1.0.0"), ("policy", "create", "planner.toml"), ("canary", "show", "nope"),
        ("canary", "start", "policy", "1.1.0", "--shares", "0.5"), ("golden", "list"), ("skill", "doer-0"),
    ],
)  # fmt: skip
def test_a_command_that_is_proposed_to_a_tenant_names_it(decided, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planner.toml").write_text(
        'doer = "doer-0"\npolicy = "policy"\nversion = "1.0.0"\n[prompts]\ns = "Other."\n'
    )
    told = told_by(
        *words, "--lake", decided.root, "--tenant", ALPHA, *(("--by", "ann") if words[1] in {"create", "start"} else ())
    )
    said = with_tenant(str(told.exception or "")) + told.output
    for command in re.findall(r"`kaizen ([^`]+)`", said):
        assert "--tenant 'Alpha & Söhne'" in command or command.split()[0] in {"nightly", "demo", "verify"}
    assert (
        with_tenant("`kaizen verify`, `kaizen policy list`")
        == "`kaizen verify`, `kaizen policy list --tenant 'Alpha & Söhne'`"
    )


def test_folders_of_tenants_that_changed_places_are_served_to_neither_and_named(decided):
    published = decided.path("published")
    alpha, beta = (published / "tenants" / tenant_folder(tenant) for tenant in (ALPHA, BETA))
    publish_as_decided(view_of(decided, BETA))
    aside = published / "aside"
    for one, other in ((alpha, aside), (beta, alpha), (aside, beta)):
        one.rename(other)
    for tenant in (ALPHA, BETA):
        for key in (None, published / "public_key.pem"):
            assert route("doer-0", "user", published, tenant=tenant, public_key=key).policy_id is None
    broken = [str(check.error) for check in checks(decided) if check.error is not None]
    assert len(broken) == 2
    assert "It is of the tenant 'beta', not of this one" in broken[0]
    assert f"It is of the tenant {ALPHA!r}, not of this one" in broken[1]
    for tenant in (ALPHA, BETA):
        publish_as_decided(view_of(decided, tenant))
        forget()
        assert route("doer-0", "user", published, tenant=tenant).policy_id == "policy"
    assert not [check for check in checks(decided) if check.error is not None]
