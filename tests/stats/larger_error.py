"""Differences of means whose error is the larger of two, by scipy and statsmodels: references for ours."""

import numpy as np
import statsmodels.api as sm
from scipy import stats as scipy_stats


def larger_of_both(design, value):
    """Coefficient of the first column, its error and degrees of freedom: the larger of least squares' and HC2's error."""
    model = sm.OLS(value, design)
    alike, apart = model.fit(), model.fit(cov_type="HC2")
    free = 1.0 - alike.get_influence().hat_matrix_diag
    squares = (np.linalg.pinv(design)[0] * alike.resid) ** 2 / free
    sides = [design[:, 0] == side for side in (1, 0)]
    parts = [squares[side].sum() for side in sides]
    df = sum(parts) ** 2 / sum(part**2 / free[side].sum() for part, side in zip(parts, sides, strict=True))
    return alike.params[0], max(alike.bse[0], apart.bse[0]), df, bool(apart.bse[0] > alike.bse[0])


def larger_interval(a, b, confidence):
    """Interval of a difference of two means: the larger of Student's and Welch's error, with Welch's degrees of freedom."""
    apart = scipy_stats.ttest_ind(a, b, equal_var=False)
    effect = np.mean(a) - np.mean(b)
    se = max(effect / test.statistic for test in (apart, scipy_stats.ttest_ind(a, b)))
    return scipy_stats.t.interval(confidence, apart.df, effect, se)


def clustered_interval(one, other, confidence):
    """Interval of a difference of two mean losses, each side a list of days of losses: the wider of by run and by day.

    A mean over days is a ratio; as many figures as there are days, of the same mean and the same error, stand in for them.
    """

    def by_day(days):
        sizes, totals = np.array([len(day) for day in days]), np.array([np.sum(day) for day in days])
        mean = totals.sum() / sizes.sum()
        return mean + len(days) * (totals - sizes * mean) / sizes.sum()

    of_runs = larger_interval(np.concatenate(one), np.concatenate(other), confidence)
    of_days = larger_interval(by_day(one), by_day(other), confidence)
    return min(of_runs[0], of_days[0]), max(of_runs[1], of_days[1])
