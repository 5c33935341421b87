"""What is computed: one pure module a question; `JOBS` names them all, in no particular order."""

# Written by `python -m kaizenlake.lists` from the declarations; a test keeps it so.
from __future__ import annotations

from kaizenlake.job import Job
from kaizenlake.jobs import silver
from kaizenlake.jobs.activity import (
    event_counts,
    field_counts,
    project_segments,
    projects,
    segment_words,
    source_checks,
    source_freshness,
)
from kaizenlake.jobs.agency import (
    brands,
    intake_segments,
    intakes,
    kpi_targets,
    pack_failures,
    pack_readiness,
    pack_runs,
    section_readiness,
    tasks,
)
from kaizenlake.jobs.alerts import alerts, findings
from kaizenlake.jobs.canaries import canary_looks, canary_segments, canary_units, deployment_routings, deployments
from kaizenlake.jobs.channels import ad_days, ad_totals, email_campaigns, email_days, web_days, web_pages
from kaizenlake.jobs.content import (
    avoided_phrases,
    content_experiments,
    content_features,
    content_increments,
    contents,
    creative_labels,
    creative_marks,
    creative_wins,
    daily_performance,
    performance_tiers,
)
from kaizenlake.jobs.creations import content_matches, content_origins, external_origins, kaizen_uplift
from kaizenlake.jobs.feedback import anomalies, brand_notes, performance_snapshots
from kaizenlake.jobs.funnel import funnel, icp_calibration, icp_patterns, leads, outreach_performance, time_to_close
from kaizenlake.jobs.outcomes import outcome_counts, outcome_subjects, outcomes, scoped_win_rates, win_rates
from kaizenlake.jobs.patterns import pattern_sums, patterns, pooled_patterns, scoped_patterns
from kaizenlake.jobs.policies import (
    doer_experiments,
    experiment_success,
    golden_sets,
    offline_replays,
    policies,
    policy_performance,
    policy_promotions,
)
from kaizenlake.jobs.runs import (
    crl,
    crl_daily,
    crl_terms_daily,
    crl_trends,
    learning_progress,
    pending_scores,
    run_records,
)
from kaizenlake.jobs.skills import skill_cards, skill_failures, skill_models, skill_terms
from kaizenlake.jobs.traces import run_costs, trace_attributes, trace_steps, traces
from kaizenlake.jobs.training import (
    behaviour_patterns,
    curriculum,
    datasets,
    example_rejections,
    planning_strategies,
    training_examples,
)
from kaizenlake.jobs.wording import learned_value, text_effects

JOBS: tuple[Job, ...] = (
    *silver.DECODE,
    event_counts.event_counts,
    segment_words.segment_words,
    project_segments.project_segments,
    projects.projects,
    source_freshness.source_freshness,
    field_counts.field_counts,
    source_checks.source_checks,
    email_days.email_days,
    email_campaigns.email_campaigns,
    ad_days.ad_days,
    ad_totals.ad_totals,
    web_days.web_days,
    web_pages.web_pages,
    content_origins.content_origins,
    external_origins.external_origins,
    content_matches.content_matches,
    kaizen_uplift.kaizen_uplift,
    daily_performance.daily_performance,
    performance_tiers.performance_tiers,
    content_features.content_features,
    content_increments.content_increments,
    contents.contents,
    creative_marks.creative_marks,
    content_experiments.content_experiments,
    pattern_sums.pattern_sums,
    creative_wins.creative_wins,
    creative_labels.creative_labels,
    avoided_phrases.avoided_phrases,
    learned_value.learned_value,
    text_effects.text_effects,
    outcome_subjects.outcome_subjects,
    outcomes.outcomes,
    outcome_counts.outcome_counts,
    win_rates.win_rates,
    scoped_win_rates.scoped_win_rates,
    patterns.patterns,
    pooled_patterns.pooled_patterns,
    scoped_patterns.scoped_patterns,
    performance_snapshots.performance_snapshots,
    anomalies.anomalies,
    brand_notes.brand_notes,
    leads.leads,
    funnel.funnel,
    outreach_performance.outreach_performance,
    time_to_close.time_to_close,
    icp_patterns.icp_patterns,
    icp_calibration.icp_calibration,
    intakes.intakes,
    intake_segments.intake_segments,
    pack_runs.pack_runs,
    pack_failures.pack_failures,
    section_readiness.section_readiness,
    pack_readiness.pack_readiness,
    kpi_targets.kpi_targets,
    brands.brands,
    tasks.tasks,
    trace_steps.trace_steps,
    traces.traces,
    run_costs.run_costs,
    trace_attributes.trace_attributes,
    run_records.run_records,
    pending_scores.pending_scores,
    crl.crl,
    crl_daily.crl_daily,
    crl_trends.crl_trends,
    learning_progress.learning_progress,
    deployments.deployments,
    deployment_routings.deployment_routings,
    canary_units.canary_units,
    canary_looks.canary_looks,
    canary_segments.canary_segments,
    policies.policies,
    policy_promotions.policy_promotions,
    policy_performance.policy_performance,
    doer_experiments.experiments,
    experiment_success.experiment_success,
    offline_replays.offline_replays,
    golden_sets.golden_sets,
    crl_terms_daily.crl_terms_daily,
    skill_terms.skill_terms,
    skill_models.skill_models,
    skill_failures.skill_failures,
    skill_cards.skill_cards,
    behaviour_patterns.behaviour_patterns,
    planning_strategies.planning_strategies,
    training_examples.training_examples,
    example_rejections.example_rejections,
    datasets.datasets,
    findings.findings,
    alerts.alerts,
    curriculum.curriculum,
)
"""Every job: the decoding of each family, then one per gold table; `kaizenlake.job.in_order` puts them in order."""
