"""Which messages are answered, by template, channel and segment."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from jobs.drawn import day, events, through
from kaizenlake.jobs.funnel.outreach_performance import outreach_performance
from kaizenlake.parameters import Windows
from kaizenlake.tables import Acquisition

LATER = day(100)


def compute(text, **settings):
    return through(outreach_performance, given={Acquisition: events(Acquisition, text)}, as_of=LATER, **settings)


def messages(template, sent, replied, start=0.0, sentiment="positive"):
    lines = []
    for number in range(sent):
        lead = f"{template}-{start:g}-{number}"
        lines.append(f"{start} OUTREACH_SENT lead_id={lead} channel=email template_id={template}")
        if number < replied:
            lines.append(f"{start + 1} OUTREACH_REPLIED lead_id={lead} channel=email sentiment={sentiment}")
    return "\n".join(lines) + "\n"


def test_young_messages_are_counted_and_do_not_raise_the_rate():
    found = compute(messages("a", 100, 10) + messages("a", 100, 10, start=97)).row(0, named=True)
    assert (found["sent"], found["replied"]) == (200, 20)
    assert (found["decided"], found["replied_in_time"], found["reply_rate"]) == (100, 10, 0.1)
    assert (found["reply_rate_low"], found["reply_rate_high"]) == pytest.approx(
        proportion_confint(10, 100, method="wilson")
    )


def test_a_reply_after_the_time_is_a_reply_and_not_one_in_time():
    late = "0 OUTREACH_SENT lead_id=a channel=email template_id=t\n20 OUTREACH_REPLIED lead_id=a channel=email"
    found = compute(late).row(0, named=True)
    assert (found["replied"], found["replied_in_time"], found["reply_rate"]) == (1, 0, 0.0)
    assert compute(late, windows=Windows(reply_days=30))["reply_rate"].item() == 1.0


def test_the_tone_is_that_of_replies_that_have_one():
    text = messages("a", 4, 3) + messages("a", 2, 2, start=1, sentiment="negative")
    text += "2 OUTREACH_SENT lead_id=x channel=email template_id=a\n3 OUTREACH_REPLIED lead_id=x channel=email"
    found = compute(text).row(0, named=True)
    assert (found["replied"], found["judged"], found["positive"], found["positive_share"]) == (6, 5, 3, 0.6)


def test_templates_of_a_channel_are_compared_with_one_another():
    found = compute(messages("a", 200, 60) + messages("b", 200, 20))
    a, b = found.iter_rows(named=True)
    assert (a["others_rate"], b["others_rate"]) == (0.1, 0.3)
    assert a["p_value"] == b["p_value"] == a["q_value"] < 0.001
    assert 0.25 < a["shrunk_reply_rate"] < 0.3, "drawn a little toward all templates of the channel"
    (alone,) = compute(messages("a", 5, 5, start=98)).iter_rows(named=True)
    figures = ("reply_rate", "shrunk_reply_rate", "others_rate", "p_value", "q_value", "positive_share")
    assert [alone[name] for name in figures] == [None] * 5 + [1.0]
