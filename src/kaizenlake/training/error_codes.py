"""The errors of learning by code: E7000 to E7999, each declared once with its cause and its remedy."""

from __future__ import annotations

from typing import Final, NamedTuple

from kaizenlake.errors import KaizenError, UsageError
from kaizenlake.events.rules import near
from kaizenlake.training.rules import RULES

RANGES: Final[dict[str, str]] = {
    "70": "extraction",
    "71": "filtering",
    "72": "registry and deployment",
    "73": "reward",
    "74": "reliability",
    "75": "configuration",
    "76": "distillation",
    "77": "cost",
    "78": "observability",
    "79": "system",
}
"""What codes are about, by their first two digits."""


class ErrorCode(NamedTuple):
    """One error of learning.

    Args:
        code: Its code.
        name: It in a few words.
        cause: Why it comes about.
        remedy: What to do about it.
    """

    code: str
    name: str
    cause: str
    remedy: str

    @property
    def subject(self) -> str:
        """What the code is about."""
        return RANGES[self.code[1:3]]


_FILTER_REMEDY = (
    "Look at the figures of the rejection. Mend the example or leave it out; thresholds are settings of [curation]."
)

ERROR_CODES: Final[tuple[ErrorCode, ...]] = (
    ErrorCode(
        "E7001",
        "incomplete trace",
        "A task, a plan or an evaluation lacks a field that it needs.",
        "Send it again with all fields; `kaizen events AGENT_TASK_COMPLETED` lists them, `kaizen quarantine` shows the line.",
    ),
    ErrorCode(
        "E7002",
        "malformed trace",
        "A field of a task, a plan or an evaluation is not of the kind or range that it is declared with.",
        "Send it again as it is declared; `kaizen events AGENT_TASK_COMPLETED` lists the fields.",
    ),
    ErrorCode(
        "E7003",
        "no trace",
        "The event is none of task.completed, plan.created and evaluation.completed.",
        "Hand over events of these types; `kaizen land` lands all others.",
    ),
    ErrorCode(
        "E7004",
        "wrong bundle",
        "The bundle.json of a bundle is none, or says something that a bundle does not.",
        "Write it as the README shows it; nothing of the bundle was landed.",
    ),
    ErrorCode(
        "E7005",
        "refused artifact",
        "A file of a bundle lies outside of it, is a link or no file, is too large, or is not what its hash says.",
        "Put the file itself into the bundle, under a plain relative name, and name its SHA-256. Nothing of it was landed.",
    ),
    *(
        ErrorCode(code, rule.replace("_", " "), f"An example breaks this rule: {sentence}", _FILTER_REMEDY)
        for rule, (code, sentence) in RULES.items()
    ),
    ErrorCode(
        "E7201",
        "no such data set",
        "No data set has this name, or it has no such version.",
        "`kaizen dataset list` lists data sets with their versions.",
    ),
    ErrorCode(
        "E7202",
        "data set exists",
        "A data set of this name exists, with other examples.",
        "Add examples to it with `kaizen dataset add NAME`, or choose another name.",
    ),
    ErrorCode(
        "E7203",
        "changed data set",
        "A file of a data set is not what was cut and signed.",
        "Restore the file from a copy. What was trained on it since is not what its manifest says.",
    ),
    ErrorCode(
        "E7204",
        "no such model",
        "No model has this name, or it has no such version, or none in that stage.",
        "`kaizen model list` lists models with their versions and stages.",
    ),
    ErrorCode(
        "E7205",
        "version taken or wrong",
        "A version of a model is registered once, and is written by semantic versioning.",
        "Register it under the next version, such as 1.1.0.",
    ),
    ErrorCode(
        "E7206",
        "refused file",
        "A file of a model is a link, a pickle, or of no format that a model is made of; or there is no file.",
        "Keep safetensors, ONNX and JSON, with plain text beside them; convert weights with safetensors.",
    ),
    ErrorCode(
        "E7207",
        "unknown parent",
        "A model names a parent or a data set that the lake does not have.",
        "Register the parent first, and name it as name@version.",
    ),
    ErrorCode(
        "E7208",
        "changed model",
        "A file of a model is not what was registered and signed, so it is neither loaded nor promoted.",
        "Restore the files from a copy, or register what is there as a new version.",
    ),
    ErrorCode(
        "E7209",
        "refused stage",
        "A gate refuses the stage that was asked for, or the stage does not lie ahead.",
        "See what the gate says; `kaizen model deploy` validates, and --override with --reason skips gates, never the hash.",
    ),
    ErrorCode(
        "E7210",
        "nothing to go back to",
        "No version of the model is in production, or none was before it.",
        "`kaizen model list` shows stages; `kaizen model promote NAME VERSION --to archived` takes a model out of service.",
    ),
    ErrorCode(
        "E7211",
        "endpoint failed",
        "A gateway or an endpoint of models did not answer, or not as it should.",
        "See that it runs and serves the model; nothing was moved.",
    ),
    ErrorCode(
        "E7212",
        "wrong case",
        "A case of a validation lacks its input, kind or expectation, or has one that cannot be checked.",
        'Write it as {"input": …, "kind": "exact", "expected": …}; kinds are exact, contains, regex, json_schema and callable.',
    ),
    ErrorCode(
        "E7213",
        "no way to run a model",
        "Nothing here can run a model of this kind, so nothing was found of what it does.",
        "Name what runs it: --run module:function, which takes the folder and gives a function from text to text, or --endpoint URL.",
    ),
    ErrorCode(
        "E7301",
        "no reward function",
        "Training by a reward function was given none, or one that cannot be imported or called.",
        "Give --reward-function module:function; the module is importable from here. It takes prompts and completions and gives a number for each.",
    ),
    ErrorCode(
        "E7302",
        "no reward",
        "A reward function failed, or gave what is no finite number, or not one for each answer.",
        "Mend the function, then `kaizen train resume JOB`.",
    ),
    ErrorCode(
        "E7303",
        "too few pairs",
        "Too few pairs of a better and a worse answer are known to fit a reward model.",
        "Score several outputs of the same input, log a person's edits, or give pairs in a file.",
    ),
    ErrorCode(
        "E7401",
        "loss is no number",
        "The loss of a step is infinite or not a number: the training diverged.",
        "Start again with a lower learning_rate.",
    ),
    ErrorCode(
        "E7402",
        "changed checkpoint",
        "A checkpoint is not what the job wrote.",
        "Remove that checkpoint with its .whole.json, then `kaizen train resume JOB` goes on from the one before.",
    ),
    ErrorCode(
        "E7403",
        "wrong state of a job",
        "A job cannot be cancelled or resumed as it stands, or what it learns from was changed since.",
        "`kaizen train list` says how each job stands. Restore the rows, or start a job anew.",
    ),
    ErrorCode(
        "E7501",
        "too few examples",
        "The lake has fewer examples that pass than the data set needs.",
        "Land more traces with their evaluations, lower --min-examples, or see why examples were dropped: "
        "`kaizen show example_rejections`.",
    ),
    ErrorCode(
        "E7502",
        "wrong condition",
        "A condition names no column of examples, or compares it with what it cannot be.",
        "Write it as task_type=summary or quality_score>=80.",
    ),
    ErrorCode(
        "E7503",
        "wrong setting of training",
        "There is no such kind or setting of training, or its value is none.",
        "Write it as --set epochs=1; the message names the settings and their ranges.",
    ),
    ErrorCode(
        "E7504",
        "wrong row",
        "A line of a file to train on is not what this kind of training learns from.",
        "Mend the line that the message names. Examples have prompt and completion, messages or text; preferences prompt, chosen and rejected.",
    ),
    ErrorCode(
        "E7505",
        "extra not installed",
        "Neural training needs libraries that the base install leaves out.",
        "Install them: pip install 'kaizenlake[train]'. `kaizen train start features` fits a reward model without them.",
    ),
    ErrorCode(
        "E7506",
        "no network",
        "A model cannot be read as a network with its tokenizer.",
        "Register the whole folder as save_pretrained wrote it: config.json, *.safetensors, tokenizer.json, tokenizer_config.json.",
    ),
    ErrorCode(
        "E7601",
        "teacher reads otherwise",
        "Teacher and student have other vocabularies, so their tokens cannot be compared.",
        "Distil between models of one tokenizer.",
    ),
    ErrorCode(
        "E7602",
        "no smaller student",
        "A student has to have fewer parameters than its teacher, and a teacher has to be named.",
        "Give the smaller model as --base and the larger as --teacher.",
    ),
    ErrorCode(
        "E7701",
        "over budget",
        "A training job cost more than max_usd at usd_per_hour.",
        "Raise max_usd and resume the job, or train fewer steps.",
    ),
    ErrorCode(
        "E7901",
        "service not initialised",
        "A method of LearningService was called after `cleanup`.",
        "Call `await service.initialize()` before.",
    ),
    ErrorCode(
        "E7902",
        "no such job",
        "No training job has this name.",
        "`kaizen train list` lists them.",
    ),
)
"""Every error of learning that something raises or records."""

_BY_CODE: Final = {item.code: item for item in ERROR_CODES}


class LearningError(KaizenError):
    """Something of learning failed; its code is one of `ERROR_CODES`.

    Args:
        number: The code, such as E7201.
        message: What was expected and what was found.
        where: File, line or column concerned.
        hint: What to do; the remedy of the code where it is left out.
    """

    def __init__(self, number: str, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint or _BY_CODE[number].remedy)
        # It is of this very error, where others have it of their class.
        self.code = number  # type: ignore[misc]


def find_error_code(code: str) -> ErrorCode:
    """Return an error of learning by its code, in any case.

    Raises:
        UsageError: There is none; the words name a likely one.
    """
    if (found := _BY_CODE.get(code.strip().upper())) is not None:
        return found
    raise UsageError(f"There is no error {code!r}{near(code, _BY_CODE)}.", hint="`kaizen errors` lists all of them.")
