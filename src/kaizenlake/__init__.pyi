# Written by `python -m kaizenlake.events.write.stub` from the table of public names; a test keeps it so.
from kaizenlake._version import __version__ as __version__
from kaizenlake.events.write.boundaries import IngestStats as IngestStats
from kaizenlake.events.write.boundaries import ingest_performance_batch as ingest_performance_batch
from kaizenlake.events.write.boundaries import ingest_performance_data as ingest_performance_data
from kaizenlake.events.write.boundaries import log_pack_event as log_pack_event
from kaizenlake.events.write.boundaries import log_pack_quality_assessment as log_pack_quality_assessment
from kaizenlake.events.write.boundaries import log_section_generation as log_section_generation
from kaizenlake.events.write.boundaries import mark_creative_as_loser as mark_creative_as_loser
from kaizenlake.events.write.boundaries import mark_creative_as_winner as mark_creative_as_winner
from kaizenlake.events.write.functions import *  # noqa: F403 - one log function for every event type
from kaizenlake.events.write.functions import PerformanceData as PerformanceData
from kaizenlake.events.write.functions import log_route as log_route
from kaizenlake.events.write.log import close as close
from kaizenlake.events.write.log import configure as configure
from kaizenlake.events.write.log import flush as flush
from kaizenlake.events.write.log import log_event as log_event
from kaizenlake.jobs.agency.timeline import CampaignTimelinePlanner as CampaignTimelinePlanner
from kaizenlake.jobs.agency.timeline import plan_timeline_for_brand as plan_timeline_for_brand
from kaizenlake.lake.store import Lake as Lake
from kaizenlake.learning_ops import LearningOps as LearningOps
from kaizenlake.publish.context.model import KaizenContext as KaizenContext
from kaizenlake.redaction import redact as redact
from kaizenlake.service import KaizenService as KaizenService
