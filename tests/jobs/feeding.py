"""Jobs that some tables rest on, for nights that a test needs no more of."""

from kaizenlake.jobs import JOBS


def feeding(*wanted):
    """The jobs that these tables rest on."""
    by_table = {job.writes: job for job in JOBS}
    found, ahead = set(), list(wanted)
    while ahead:
        table = ahead.pop()
        if (job := by_table.get(table)) is not None and job.name not in found:
            found.add(job.name)
            ahead += job.reads
    return tuple(job for job in JOBS if job.name in found)
